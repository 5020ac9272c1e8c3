// @ts-check
/**
 * Writes a fleet whose times are those of today: `node examples/quickstart/freshen.mjs [--out FILE]
 * [--fingerprints FILE] [--now UNIX_SECONDS]`, by default to `var/quickstart/fleet.ndjson`.
 * `--fingerprints` names a JSON file `{"meter-001": "sha256:..."}` of devices that have real certificates.
 * The file is put in place by a rename, so a running service takes it up as a whole.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const seedFile = fileURLToPath(new URL("fleet.seed.ndjson", import.meta.url));
const liveFile = fileURLToPath(new URL("../../var/quickstart/fleet.ndjson", import.meta.url));
const seconds = /** @type {Record<string, number>} */ ({ s: 1, m: 60, h: 3600, d: 86_400 });

/**
 * The seed with every relative time made absolute.
 * @param {string} seed Text of a seed file.
 * @param {number} now Unix seconds.
 * @param {Readonly<Record<string, string>>} [fingerprints] Real fingerprint per device, in place of `fp-<id>`.
 * @returns {string} Text of a fleet file.
 */
export function freshen(seed, now, fingerprints = {}) {
  const live = seed.replace(/"@(?:([+-]\d+)([smhd]))?"/g, (_, amount, unit) =>
    String(amount === undefined ? now : now + Number(amount) * /** @type {number} */ (seconds[unit])),
  );
  return Object.entries(fingerprints).reduce(
    (text, [id, fingerprint]) =>
      text.replaceAll(JSON.stringify(`fp-${id}`), () => JSON.stringify(fingerprint)),
    live,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { out: { type: "string" }, fingerprints: { type: "string" }, now: { type: "string" } },
  });
  const out = values.out ?? liveFile;
  const now = values.now === undefined ? Math.floor(Date.now() / 1000) : Number(values.now);
  const fingerprints =
    values.fingerprints === undefined ? {} : JSON.parse(readFileSync(values.fingerprints, "utf8"));
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(`${out}.new`, freshen(readFileSync(seedFile, "utf8"), now, fingerprints));
  renameSync(`${out}.new`, out);
}
