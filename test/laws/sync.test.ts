/**
 * Law: snapshot + deltas = snapshot, under reordering, duplicates, cuts and reconnections. Mutants of
 * `registry/delta-batch.ts`, each seen to fail: forget the version of a tombstone, of a record, or the floor of the
 * last snapshot; do not store the version of a write that changes nothing.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import type { SyncEvent } from "../../src/registry/sync.ts";
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

async function feedInto(registry: Registry, connections: readonly (readonly SyncEvent[])[]): Promise<void> {
  const clock = new ManualClock(now);
  for (const events of connections) {
    const feed = registry.feed("feed");
    const session = new SyncSession({ feed, validate, clock, epoch: "e", maxLostShare: 1, reply: () => {} });
    for (const event of events) await session.take(event);
    await session[Symbol.asyncDispose]();
    await feed[Symbol.asyncDispose]();
  }
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

const seen = (registry: Registry): unknown => [
  ids.map((id) => registry.device(id)?.record?.state.lifecycle),
  registry.status().counts,
];

describe("snapshot + deltas = snapshot", () => {
  it("whatever is reordered, repeated, cut off or sent over several connections", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { maxLength: 6, size: "max" }),
        fc.array(write, { minLength: 1, maxLength: 10, size: "max" }),
        fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 14, size: "max" }),
        fc.nat({ max: 10 }),
        fc.boolean(),
        async (before, after, extra, cut, halfSnapshot) => {
          const base = before.length;
          const deltas = after.map((each, index) => toEvent(each, base + index + 1));
          // Every delta at least once; some again; in an order of chance, over two connections.
          const sent = deltas.map((event, index) => ({ event, at: extra[index % extra.length] ?? 0 }));
          // What the snapshot held already comes late as well.
          const late = [...deltas, ...before.map((each, index) => toEvent(each, index + 1))];
          for (const each of extra) {
            const event = late[each % late.length];
            if (event !== undefined) sent.push({ event, at: each });
          }
          const order = sent.sort((a, b) => a.at - b.at).map(({ event }) => event);
          const broken: SyncEvent[] = halfSnapshot
            ? snapshotOf([...before, ...after], base + after.length).slice(0, -1)
            : [];
          const clock = new ManualClock(now);
          const left = await openRegistry({ memory: true, clock });
          const right = await openRegistry({ memory: true, clock });
          await feedInto(left, [
            [...snapshotOf(before, base), ...order.slice(0, cut)],
            broken,
            order.slice(cut),
          ]);
          await feedInto(right, [snapshotOf([...before, ...after], base + after.length)]);
          expect(seen(left)).toEqual(seen(right));
          await left[Symbol.asyncDispose]();
          await right[Symbol.asyncDispose]();
        },
      ),
      { numRuns: 300 },
    );
  });
});
