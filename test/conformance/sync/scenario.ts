/** Scenarios of a registry feed, as `registry-sync.yaml` words them, read into what a source does. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import type { Json } from "../../cases/table.ts";

/** One row of the table. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly start?: string;
  readonly steps: readonly string[];
  readonly expect: string;
}

/** Reads the rows of a folder of tables. */
export function readScenarios(folder: string): readonly Scenario[] {
  const text = readFileSync(path.join(folder, "registry-sync.yaml"), "utf8");
  return (parse(text) as { sync_scenarios: Scenario[] }).sync_scenarios;
}

/** What a source does, and what happens to it. Revisions that a step leaves out are the next ones. */
export interface Player {
  begin(revision: number | undefined): Promise<void>;
  /** A record of the snapshot that is open, or a change. `prev`: the revision before, where it is said. */
  put(id: string, patch: Json, at?: { revision?: number; prev?: number }): Promise<void>;
  gone(id: string, revision: number): Promise<void>;
  end(count: number, good: boolean): Promise<void>;
  bookmark(
    revision: number,
    agoS: number,
    digest?: "truth" | { bucket: number; count: number },
  ): Promise<void>;
  /** The source changes a record, and nobody hears of it. */
  lose(id: string, revision: number): Promise<void>;
  breaks(): Promise<void>;
  ask(id: string): Promise<void>;
  /** Time goes by in which nothing is said. */
  quiet(seconds: number): Promise<void>;
  resume(token: number): Promise<void>;
  expired(): Promise<void>;
  /** The connection is one of a feed of this tenant only. */
  asFeedOf(tenant: string): Promise<void>;
  /** From now on each change says which one was before it. */
  contiguous(): void;
  attached(id: string): Promise<void>;
  report(origin: "device" | "verifier", facts: Json): Promise<void>;
}

type Rule = readonly [RegExp, (player: Player, found: readonly string[]) => Promise<void> | void];

const lifecycle = (state: string | undefined): Json => ({ state: { lifecycle: state } });
const patchOf = (text: string): Json => parse(text.replace("..., ", "")) as Json;
const hour = 3600;

/** A path such as `credentials.fp.status` with its value, as a merge patch. */
function patchAt(dotted: string, value: string): Json {
  const names = dotted.split(".");
  return names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Json;
}

async function synced(player: Player, revision: number, ids: readonly string[]): Promise<void> {
  await player.begin(revision);
  for (const id of ids) await player.put(id, {});
  await player.end(ids.length, true);
}

const both = ["meter-001", "meter-002"];

const starts: readonly Rule[] = [
  [
    /^synced at rev (\d+)(?: with ([\w-]+(?:, [\w-]+)*))?/,
    (player, [, revision, ids]) => synced(player, Number(revision), ids?.split(", ") ?? both),
  ],
  [/^, feed declares contiguous revisions/, (player) => player.contiguous()],
  [/^, nothing changes for an hour/, () => {}],
  [
    /^; registry changed ([\w-]+) at rev (\d+) but the event was lost/,
    (player, [, id, revision]) => player.lose(String(id), Number(revision)),
  ],
  [
    /^; rev (\d+) arrived for ([\w-]+)/,
    (player, [, revision, id]) => player.put(String(id), {}, { revision: Number(revision) }),
  ],
  [
    /^([\w-]+) connected, subscribed to the decision change stream/,
    async (player, [, id]) => {
      await synced(player, 100, both);
      await player.attached(String(id));
    },
  ],
  [
    /^watermark = now/,
    async (player) => {
      await synced(player, 100, both);
      await player.bookmark(100, 0);
    },
  ],
];

const steps: readonly Rule[] = [
  [/^snapshot_begin rev=(\d+)$/, (player, [, revision]) => player.begin(Number(revision))],
  [
    /^snapshot_end rev=\d+ count=(\d+) checksum=(\w+)$/,
    (player, [, count, checksum]) => player.end(Number(count), checksum === "OK"),
  ],
  [
    /^upsert ([\w-]+) (\{.*\})$/,
    async (player, [, id, patch]) => {
      await player.begin(undefined);
      await player.put(String(id), patchOf(String(patch)));
      await player.end(1, true);
    },
  ],
  [/^upsert ([\w-]+) (\w+)$/, (player, [, id, state]) => player.put(String(id), lifecycle(state))],
  [
    /^delta rev=(\d+) upsert ([\w-]+) (\{.*\})$/,
    (player, [, revision, id, patch]) =>
      player.put(String(id), patchOf(String(patch)), { revision: Number(revision) }),
  ],
  [
    /^delta rev=(\d+) upsert ([\w-]+) (\w+)(?: \((?:redelivered|late)\))?$/,
    (player, [, revision, id, state]) =>
      player.put(String(id), lifecycle(state), { revision: Number(revision) }),
  ],
  [
    /^delta rev=(\d+)(?: prev=(\d+))? \.\.\.$/,
    (player, [, revision, prev]) =>
      player.put("meter-001", lifecycle("active"), {
        revision: Number(revision),
        ...(prev === undefined ? {} : { prev: Number(prev) }),
      }),
  ],
  [
    /^delta rev=(\d+) delete ([\w-]+)$/,
    (player, [, revision, id]) => player.gone(String(id), Number(revision)),
  ],
  [
    /^delta rev=(\d+) (credentials\.[\w.-]+)=(\w+)$/,
    (player, [, revision, at, value]) =>
      player.put("meter-001", patchAt(String(at), String(value)), { revision: Number(revision) }),
  ],
  [/^delta upsert (\w+)\/([\w-]+)$/, (player, [, tenant, id]) => player.put(String(id), { tenant })],
  [/^feed credential=(\w+)$/, (player, [, tenant]) => player.asFeedOf(String(tenant))],
  [/^<stream breaks>$/, (player) => player.breaks()],
  [/^<decision for ([\w-]+) now: answered from rev \d+>$/, (player, [, id]) => player.ask(String(id))],
  [
    /^<no bookmark for (\d+) minutes, TCP connection still open>$/,
    (player, [, minutes]) => player.quiet(Number(minutes) * 60),
  ],
  [/^resume token=(\d+)$/, (player, [, token]) => player.resume(Number(token))],
  [/^error RESUME_EXPIRED$/, (player) => player.expired()],
  [
    /^bookmark rev=(\d+) time=now every (\d+) s$/,
    async (player, [, revision, every]) => {
      for (let at = 0; at < hour; at += Number(every)) {
        await player.quiet(Number(every));
        await player.bookmark(Number(revision), 0);
      }
    },
  ],
  [
    /^bookmark rev=(\d+) time=now-1h$/,
    async (player, [, revision]) => {
      await player.put("meter-001", {}, { revision: Number(revision) });
      await player.bookmark(Number(revision), hour);
    },
  ],
  [
    /^bookmark rev=(\d+) count=(\d+) checksum=BAD for tenant acme bucket (\d+)$/,
    (player, [, revision, count, bucket]) =>
      player.bookmark(Number(revision), 0, { bucket: Number(bucket), count: Number(count) }),
  ],
  [
    /^bookmark rev=(\d+) checksum=<registry value>$/,
    (player, [, revision]) => player.bookmark(Number(revision), 0, "truth"),
  ],
  [
    /^device-reported firmware\.key=(\d+) \(source=device\)$/,
    (player, [, key]) => player.report("device", { firmware: { key: Number(key) } }),
  ],
  [
    /^attested firmware\.attested_key=(\d+) \(source=verifier\)$/,
    (player, [, key]) => player.report("verifier", { attested_key: Number(key) }),
  ],
];

/** Brings about what a row starts from. Throws where a word of it is not understood. */
export async function prepare({ id, start = "" }: Scenario, player: Player): Promise<void> {
  for (let rest = start; rest !== ""; ) {
    const rule = starts.find(([pattern]) => pattern.test(rest));
    const found = rule?.[0].exec(rest);
    if (rule === undefined || found == null) throw new Error(`${id}: what is \`${rest}\`?`);
    await rule[1](player, found);
    rest = rest.slice(found[0].length);
  }
}

/** Does one step. Throws where it is not understood. */
export async function play({ id }: Scenario, step: string, player: Player): Promise<void> {
  for (const [pattern, act] of steps) {
    const found = pattern.exec(step);
    if (found !== null) return act(player, found);
  }
  throw new Error(`${id}: what is \`${step}\`?`);
}
