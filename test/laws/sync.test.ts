/**
 * Law: snapshot + deltas = snapshot, into every store, under reordering, duplicates, connections that are cut and stores
 * that are killed and opened again at any message. `sync.mutants.ts` lists what it must catch.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Feed } from "../../src/registry/feed.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import type { SyncEvent, SyncReply } from "../../src/registry/sync.ts";
import { SyncSession } from "../../src/registry/sync-session.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, now } from "../registry/records.ts";

const validate = createRecordValidator();
const ids = ["a", "b", "c"];
const states = ["active", "quarantined", "safe_mode"];

/** What the source does to one record; `null`: it deletes it. */
interface Write {
  readonly id: string;
  readonly state: string | null;
}
const write: fc.Arbitrary<Write> = fc.record({
  id: fc.constantFrom(...ids),
  state: fc.constantFrom(...states, null),
});

const record = (id: string, state: string): string =>
  JSON.stringify(device(id, { state: { ...device(id).state, lifecycle: state } }));

function toEvent({ id, state }: Write, revision: number): SyncEvent {
  return state === null
    ? { type: "delete", key: `device:${id}`, revision }
    : { type: "upsert", kind: "device", record: record(id, state), revision };
}

/** The truth of the source after some writes, as a snapshot of `revision`. */
function snapshotOf(writes: readonly Write[], revision: number): SyncEvent[] {
  const truth = new Map<string, string>();
  for (const { id, state } of writes) {
    if (state === null) truth.delete(id);
    else truth.set(id, state);
  }
  return [
    { type: "begin_snapshot", revision },
    ...[...truth].map(([id, state]): SyncEvent => toEvent({ id, state }, 0)),
    { type: "end_snapshot", count: truth.size, checksum: "" },
  ];
}

/** What happens before a message: nothing of it is told to the source. */
interface Trouble {
  readonly at: number;
  /** The connection ends; or the process does, with what it has not written. */
  readonly how: "cut" | "kill";
}
const trouble: fc.Arbitrary<Trouble> = fc.record({
  at: fc.nat({ max: 24 }),
  how: fc.constantFrom<Trouble["how"]>("cut", "kill"),
});

/** One store through all its lives. */
class Life {
  readonly #clock = new ManualClock(now);
  readonly #root: string | undefined;
  readonly #gone: (() => Promise<unknown>)[] = [];
  registry!: Registry;
  #feed!: Feed;
  #session!: SyncSession;
  #lives = 0;
  /** Messages that were taken and not acknowledged: a source says them again. */
  #unsure: SyncEvent[] = [];

  constructor(durable: boolean) {
    this.#root = durable ? mkdtempSync(path.join(tmpdir(), "sallyport-law-")) : undefined;
  }

  async begin(): Promise<void> {
    const clock = this.#clock;
    this.registry =
      this.#root === undefined
        ? (this.registry ?? (await openRegistry({ memory: true, clock })))
        : await openRegistry({ dir: path.join(this.#root, String(this.#lives)), clock });
    this.#connect();
  }

  #connect(): void {
    this.#feed = this.registry.feed("feed");
    const reply = (each: SyncReply): void => {
      if (each.type === "ack") this.#unsure = [];
    };
    const [feed, clock] = [this.#feed, this.#clock];
    this.#session = new SyncSession({ feed, validate, clock, epoch: "e", maxLostShare: 1, reply });
  }

  async take(event: SyncEvent): Promise<void> {
    this.#unsure.push(event);
    await this.#session.take(event);
  }

  /** The connection ends; returns what the source must say again. */
  async cut(): Promise<SyncEvent[]> {
    await this.#session[Symbol.asyncDispose]();
    await this.#feed[Symbol.asyncDispose]();
    const again = this.#unsure.splice(0);
    this.#connect();
    return again;
  }

  /** The process is killed: what it had on disk at this moment is opened by the next one. */
  async kill(): Promise<SyncEvent[]> {
    const again = this.#unsure.splice(0);
    const [session, feed, registry] = [this.#session, this.#feed, this.registry];
    if (this.#root === undefined) {
      // Nothing outlives the process but what an acknowledgement promised: its batch is dropped.
      await session.take({ type: "begin_snapshot", revision: Number.MAX_SAFE_INTEGER });
      await session[Symbol.asyncDispose]();
      await feed[Symbol.asyncDispose]();
      this.#connect();
      return again;
    }
    const from = path.join(this.#root, String(this.#lives));
    this.#lives += 1;
    cpSync(from, path.join(this.#root, String(this.#lives)), { recursive: true });
    // The dead process does nothing any more; here it is put away at the end.
    this.#gone.push(async () => {
      await session[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    });
    await this.begin();
    return again;
  }

  async end(): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
    await this.registry[Symbol.asyncDispose]();
    for (const put of this.#gone) await put();
    if (this.#root !== undefined) rmSync(this.#root, { recursive: true, force: true });
  }
}

/** Says the snapshot, then the changes, whatever happens; what was not acknowledged is said again. */
async function play(
  life: Life,
  snapshot: readonly SyncEvent[],
  changes: readonly SyncEvent[],
  troubles: readonly Trouble[],
): Promise<void> {
  let said = 0;
  const open = [...troubles];
  const happens = async (): Promise<SyncEvent[] | undefined> => {
    const index = open.findIndex(({ at }) => at === said);
    said++;
    const [found] = index < 0 ? [] : open.splice(index, 1);
    if (found === undefined) return undefined;
    return found.how === "cut" ? life.cut() : life.kill();
  };
  for (let at = 0; at < snapshot.length; at++) {
    // Half of a snapshot is none: it begins anew.
    if ((await happens()) !== undefined) at = 0;
    await life.take(snapshot[at] as SyncEvent);
  }
  const queue = [...changes];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const again = await happens();
    if (again !== undefined) queue.unshift(...again);
    await life.take(next);
  }
  // The last of them may still be lost once.
  for (const each of await life.cut()) await life.take(each);
}

const seen = (registry: Registry): unknown => [
  ids.map((id) => registry.device(id)?.record?.state.lifecycle),
  registry.status().counts,
];

describe.each([
  ["memory", false, 600],
  ["lmdb", true, 50],
])("snapshot + deltas = snapshot, in %s", (_name, durable, numRuns) => {
  it("whatever is reordered, repeated, cut off or killed, at any message", { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { maxLength: 6, size: "max" }),
        fc.array(write, { minLength: 1, maxLength: 10, size: "max" }),
        fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 14, size: "max" }),
        fc.array(trouble, { maxLength: 3, size: "max" }),
        fc.nat({ max: 24 }),
        async (before, after, extra, troubles, half) => {
          const base = before.length;
          const deltas = after.map((each, index) => toEvent(each, base + index + 1));
          // Every delta at least once; some again; in an order of chance.
          const sent = deltas.map((event, index) => ({ event, at: extra[index % extra.length] ?? 0 }));
          // What the snapshot held already comes late as well.
          const late = [...deltas, ...before.map((each, index) => toEvent(each, index + 1))];
          for (const each of extra) {
            const event = late[each % late.length];
            if (event !== undefined) sent.push({ event, at: each });
          }
          const order = sent.sort((a, b) => a.at - b.at).map(({ event }) => event);
          const left = new Life(durable);
          const right = new Life(false);
          await left.begin();
          await right.begin();
          await play(left, snapshotOf(before, base), order.slice(0, half), troubles);
          // Another snapshot begins in the midst of it, and never ends.
          if (half % 3 === 0) {
            const whole = snapshotOf([...before, ...after], base + after.length);
            for (const each of whole.slice(0, -1)) await left.take(each);
            await left.cut();
          }
          await play(left, [], order.slice(half), troubles);
          await play(right, snapshotOf([...before, ...after], base + after.length), [], []);
          expect(seen(left.registry)).toEqual(seen(right.registry));
          await left.end();
          await right.end();
        },
      ),
      { numRuns },
    );
  });
});
