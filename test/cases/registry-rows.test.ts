/**
 * Rows of staleness, faults and detections through the parts that make those facts: a registry that was fed and then
 * left alone as long as the row says, a ledger, an override store. `rows.test.ts` asks the same rows of a table of facts.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Decision } from "../../src/decision/decision.ts";
import { DutyLedger } from "../../src/registry/duty-ledger.ts";
import { withLapsedSignals } from "../../src/registry/lapsed-signals.ts";
import { Overrides } from "../../src/registry/overrides.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { SyncSession } from "../../src/registry/sync-session.ts";
import { withDuties } from "../../src/registry/with-duties.ts";
import { withOverrides } from "../../src/registry/with-overrides.ts";
import { withReports } from "../../src/registry/with-reports.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { corePdp } from "../pdp.ts";
import { shippedSnapshot } from "../shipped.ts";
import { compare } from "./compare.ts";
import { type Json, type Row, readTables, sharedTables } from "./table.ts";
import { decidedKinds, worldOf } from "./world.ts";

const file = "staleness-faults-detections.yaml";
/** Rows that a later issue owns, each with the reason; every other one is played. */
const left: Readonly<Record<string, string>> = {};

const validate = createRecordValidator();
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Detection {
  readonly type: string;
  readonly expires_at: number;
}
const detectionsIn = (facts: Json): readonly Detection[] =>
  ((facts["device"] as Json | undefined)?.["state"] as { signals?: Detection[] } | undefined)?.signals ?? [];

/** The same facts without what was detected. */
function withoutDetections(facts: Json): Json {
  const device = facts["device"] as Json;
  return { ...facts, device: { ...device, state: { ...(device["state"] as Json), signals: [] } } };
}

/** Asks the row's question. `detected`: detections are overrides of this service, not facts of the registry. */
async function ask({ facts: given, kind }: Row, detected: boolean): Promise<Decision> {
  const facts = detected ? withoutDetections(given) : given;
  const { now, peer, query, records, synced, watermark } = worldOf(
    facts,
    (credential) => ({ key: JSON.stringify(credential), credential }),
    kind,
  );
  const dir = mkdtempSync(path.join(tmpdir(), "sallyport-staleness-"));
  closing.push(() => rmSync(dir, { recursive: true, force: true }));
  const clock = new ManualClock(watermark);
  const registry = await openRegistry({ dir: path.join(dir, "registry"), clock });
  closing.push(() => registry[Symbol.asyncDispose]());
  const ledger = await DutyLedger.open(path.join(dir, "duties"));
  closing.push(() => ledger[Symbol.asyncDispose]());
  const overrides = await Overrides.open({
    dir: path.join(dir, "overrides"),
    initialize: true,
    clock,
    reach: () => "everything",
    leavesMark: () => true,
  });
  closing.push(() => overrides[Symbol.asyncDispose]());
  const feed = registry.feed("site");
  closing.push(() => feed[Symbol.asyncDispose]());
  const session = new SyncSession({ feed, validate, clock, epoch: "e", maxLostShare: 1, reply: () => {} });
  await session.take({ type: "begin_snapshot", revision: 1 });
  for (const each of records)
    await session.take({ type: "upsert", kind: each.kind, record: JSON.stringify(each.record), revision: 0 });
  // A service that has just started has heard half of it.
  if (synced) {
    await session.take({ type: "end_snapshot", count: records.length, checksum: "" });
    await session.take({ type: "bookmark", revision: 1, as_of: watermark });
  }
  clock.advance(now - watermark);
  const reader = withOverrides(
    withLapsedSignals(withDuties(withReports(registry), ledger), clock),
    overrides,
  );
  const pdp = corePdp(
    {
      device: (id) => reader.device(id),
      tenant: (id) => reader.tenant(id),
      firmwarePolicy: (tenant, name) => reader.firmwarePolicy(tenant, name),
      release: (id) => reader.release(id),
      rollout: (id) => reader.rollout(id),
      service: (id) => reader.service(id),
      freshness: (sources) => reader.freshness(sources),
      mayOwn: (missing) => reader.mayOwn(missing),
      get revision() {
        return reader.revision;
      },
      onChange(listener) {
        registry.onChange(listener);
        overrides.onChange((change) => listener(change));
      },
    },
    clock,
  );
  pdp.activate(shippedSnapshot());
  const decider = pdp.decider(peer);
  if (!detected) return answer(decider.decide(query), session);
  // Before it is detected the device is trusted; the detection reaches the next answer.
  await decider.decide(query);
  for (const { expires_at, type } of detectionsIn(given)) {
    const target = { kind: "device", id: String((given["device"] as Json)["id"]) } as const;
    await overrides.set({ kind: "signal", target, signal: type, reason: "row", by: "test", expires_at });
  }
  return answer(decider.decide(query), session);
}

async function answer(deciding: Decision | Promise<Decision>, session: SyncSession): Promise<Decision> {
  const decision = await deciding;
  await session[Symbol.asyncDispose]();
  return decision;
}

const shared = sharedTables();
const rows = shared === undefined ? [] : readTables(shared, [file]).rows;
const group = shared === undefined ? describe.skip : describe;

group(`rows of ${file}${shared === undefined ? " (NOT RUN: shared tables)" : ""}`, () => {
  const played = rows.filter(({ id }) => !(id in left));

  it("are all played, but for those that are named with a reason", () => {
    expect(rows.length).toBeGreaterThanOrEqual(23);
    expect(rows.filter(({ kind }) => !decidedKinds.has(kind)).map(({ id }) => id)).toEqual([]);
    expect(Object.keys(left).filter((id) => !rows.some((row) => row.id === id))).toEqual([]);
    expect(played.filter(({ facts }) => detectionsIn(facts).length > 0).length).toBeGreaterThanOrEqual(5);
  });

  it.each(played.map((row) => [row.id, row.title, row] as const))("%s %s", async (_id, _title, row) => {
    const { expected, actual } = compare(row, await ask(row, false));
    expect(actual).toEqual(expected);
  });

  const detections = played.filter(({ facts }) => detectionsIn(facts).length > 0);
  it.each(detections.map((row) => [row.id, row.title, row] as const))(
    "%s %s, detected by this service itself",
    async (_id, _title, row) => {
      const { expected, actual } = compare(row, await ask(row, true));
      expect(actual).toEqual(expected);
    },
  );
});
