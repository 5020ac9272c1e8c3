// @ts-check
/**
 * The release pipeline of the example, which writes the records that the service only reads: `node
 * examples/quickstart/campaign/operate.mjs [--fleet FILE] ACT`, by default on `var/quickstart/fleet.ndjson`.
 *
 *   start                      the plan's campaign, internal opened two days ago, the other rings not planned
 *   open RING [AGO]            opens a ring, AGO as 26h or 2d
 *   measure RING NAME=N...     what a ring measures: samples, crash_free_ppm, ...
 *   land DEVICE                a device reports that it runs the release
 *
 * The file is put in place by a rename; the running service takes it up within a second or two.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** @typedef {{ kind: string, record: any }} Entry */

const planFile = fileURLToPath(new URL("plan.ndjson", import.meta.url));
const liveFile = fileURLToPath(new URL("../../../var/quickstart/fleet.ndjson", import.meta.url));
const units = /** @type {Record<string, number>} */ ({ s: 1, m: 60, h: 3600, d: 86_400 });
const now = Math.floor(Date.now() / 1000);

/** @param {string} text @returns {Entry[]} */
const entriesOf = (text) =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line));

/** @param {string} text */
function spanOf(text) {
  const found = /^(\d+)([smhd])$/.exec(text);
  if (found === null) throw new Error(`${text} is no span: give 26h or 2d`);
  return Number(found[1]) * /** @type {number} */ (units[found[2] ?? "s"]);
}

const { values, positionals } = parseArgs({ options: { fleet: { type: "string" } }, allowPositionals: true });
const [act = "", name = "", ...more] = positionals;
const file = values.fleet ?? liveFile;
const entries = entriesOf(readFileSync(file, "utf8"));
const plan = entriesOf(readFileSync(planFile, "utf8").replace(/"@[^"]*"/g, "0"));
const planned = plan.find(({ kind }) => kind === "release")?.record;

/** @param {string} kind @param {string} id @returns {any} */
function record(kind, id) {
  const found = entries.find((entry) => entry.kind === kind && entry.record.id === id);
  if (found === undefined) throw new Error(`there is no ${kind} ${id}: begin with start`);
  return found.record;
}

/** @param {string} ring @returns {[any, number, any]} the rollout, the ring's place, the ring */
function ringOf(ring) {
  const rollout = record("rollout", planned.rollout);
  const at = rollout.rings.findIndex((/** @type {any} */ each) => each.name === ring);
  if (at < 0) throw new Error(`there is no ring ${ring}`);
  return [rollout, at, rollout.rings[at]];
}

switch (act) {
  case "start": {
    const [release, rollout] = structuredClone(plan);
    if (release === undefined || rollout === undefined) throw new Error("the plan is incomplete");
    release.record.manifest.expires_at = now + 30 * 86_400;
    delete rollout.record.window;
    for (const [i, ring] of rollout.record.rings.entries()) ring.opened_at = i === 0 ? now - 2 * 86_400 : 0;
    rollout.record.current_ring = 0;
    for (const { kind, record: each } of [release, rollout]) {
      const at = entries.findIndex((entry) => entry.kind === kind && entry.record.id === each.id);
      entries.splice(at < 0 ? 0 : at, at < 0 ? 0 : 1, { kind, record: each });
    }
    console.log(`${rollout.record.id} offers ${release.record.id} to its first ring`);
    break;
  }
  case "open": {
    const [rollout, at, ring] = ringOf(name);
    ring.opened_at = now - spanOf(more[0] ?? "1s");
    rollout.current_ring = Math.max(at, rollout.current_ring);
    console.log(`${name} is open for ${ring.percent_bp / 100} %`);
    break;
  }
  case "measure": {
    const [, , ring] = ringOf(name);
    for (const pair of more) {
      const [metric = "", value] = pair.split("=");
      ring.health[metric] = Number(value);
    }
    console.log(`${name} measures ${more.join(" ")}`);
    break;
  }
  case "land": {
    const { firmware, ota } = record("device", name);
    Object.assign(firmware, { version: "2.5.0", key: planned.key, svn: planned.svn });
    Object.assign(ota, { last_release: planned.id, attempts: 1, in_progress: "" });
    console.log(`${name} runs ${firmware.version}`);
    break;
  }
  default:
    throw new Error("say start, open, measure or land");
}
writeFileSync(`${file}.new`, `${entries.map((entry) => JSON.stringify(entry)).join("\n")}\n`);
renameSync(`${file}.new`, file);
