/** A device that is deleted and comes back gets no trust back by that. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import { DutyLedger } from "../../src/registry/duty-ledger.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import type { SyncEvent } from "../../src/registry/sync.ts";
import { SyncSession } from "../../src/registry/sync-session.ts";
import { withDuties } from "../../src/registry/with-duties.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, now, tenant } from "./records.ts";

const validate = createRecordValidator();
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type State = Partial<DeviceRecord["state"]>;
const quarantine = { active: true, mode: "constrain", since: now - 60, by: "ir-5" } as const;
const withState = (state: State): DeviceRecord => device("a", { state: { ...device("a").state, ...state } });

async function start() {
  const dir = mkdtempSync(path.join(tmpdir(), "sallyport-lost-"));
  closing.push(() => rmSync(dir, { recursive: true, force: true }));
  const clock = new ManualClock(now);
  let ledger = await DutyLedger.open(path.join(dir, "duties"));
  const open = (): Promise<Registry> =>
    openRegistry({ dir: path.join(dir, "records"), clock, lost: (marks) => ledger.markReentries(marks) });
  let registry = await open();
  closing.push(async () => {
    await registry[Symbol.asyncDispose]();
    await ledger[Symbol.asyncDispose]();
  });
  let revision = 0;
  const say = async (...events: SyncEvent[]): Promise<void> => {
    const feed = registry.feed("site");
    const reply = (): void => {};
    const session = new SyncSession({ feed, validate, clock, epoch: "e", maxLostShare: 1, reply });
    for (const event of events) await session.take(event);
    await session[Symbol.asyncDispose]();
    await feed[Symbol.asyncDispose]();
  };
  const snapshot = (...records: readonly DeviceRecord[]): Promise<void> => {
    const all = [
      ["tenant", tenant("acme", { playbook: { tamper: "quarantine", odd: "downgrade" } })] as const,
      ...records.map((record) => ["device", record] as const),
    ];
    return say(
      { type: "begin_snapshot", revision: ++revision },
      ...all.map(
        ([kind, record]): SyncEvent => ({
          type: "upsert",
          kind,
          record: JSON.stringify(record),
          revision: 0,
        }),
      ),
      { type: "end_snapshot", count: all.length, checksum: "" },
    );
  };
  return {
    clock,
    snapshot,
    byDelta: (): Promise<void> => say({ type: "delete", key: "device:a", revision: ++revision }),
    since: (): number | undefined =>
      withDuties(registry, ledger).device("a")?.record?.state.reentry_required_since,
    async restart() {
      await registry[Symbol.asyncDispose]();
      await ledger[Symbol.asyncDispose]();
      ledger = await DutyLedger.open(path.join(dir, "duties"));
      registry = await open();
    },
    breakLedger: () => ledger[Symbol.asyncDispose](),
    get there() {
      return registry.device("a") !== undefined;
    },
  };
}

describe("a device that is deleted while it is held, and added again as if nothing had been", () => {
  const held: readonly (readonly [string, State, number])[] = [
    ["a quarantine", { quarantine }, now + 100],
    ["the lifecycle", { lifecycle: "quarantined" }, now + 100],
    ["safe mode", { lifecycle: "safe_mode" }, now + 100],
    ["its retirement", { lifecycle: "retired" }, now + 100],
    ["a detection", { signals: [{ type: "tamper", expires_at: now + 500 }] }, now + 100],
    ["a detection that lapsed", { signals: [{ type: "tamper", expires_at: now + 50 }] }, now + 50],
    ["a mark", { reentry_required_since: now - 500 }, now - 500],
    ["nothing", {}, 0],
    ["a mild detection", { signals: [{ type: "odd", expires_at: now + 500 }] }, 0],
  ];

  it.each(held)("by a snapshot, for %s, needs newer evidence", async (_why, state, since) => {
    const site = await start();
    await site.snapshot(withState(state));
    site.clock.advance(100);
    await site.snapshot();
    expect(site.there).toBe(false);
    await site.restart();
    await site.snapshot(device("a"));
    expect(site.since()).toBe(since);
  });

  it.each(held)("by a delta, for %s, needs newer evidence", async (_why, state, since) => {
    const site = await start();
    await site.snapshot(withState(state));
    site.clock.advance(100);
    await site.byDelta();
    expect(site.there).toBe(false);
    await site.restart();
    await site.snapshot(device("a"));
    expect(site.since()).toBe(since);
  });

  it("is deleted only when that can be remembered", async () => {
    const site = await start();
    await site.snapshot(withState({ quarantine }));
    await site.breakLedger();
    await site.snapshot().catch(() => {});
    expect(site.there).toBe(true);
    await site.byDelta().catch(() => {});
    expect(site.there).toBe(true);
    await site.restart();
    await site.snapshot();
    expect(site.there).toBe(false);
  });
});
