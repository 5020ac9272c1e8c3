/** Tables asked through the running core: records, proof and question of each row, one PDP per row. */
import type { Decision } from "../../src/decision/decision.ts";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import type { PolicySnapshot } from "../../src/pdp/snapshot.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";
import type { Json } from "./table.ts";
import { type WorldRecord, worldOf } from "./world.ts";

const validate = createRecordValidator();

/** Stores a row's records as a source would: valid, or isolated with the reason. */
export function store(facts: FactsTable, records: readonly WorldRecord[]): void {
  for (const { key, kind, record } of records) {
    const validated = validate(kind, record);
    if (validated.record !== undefined) facts.put(key, validated.record as DeviceRecord);
    else facts.isolate(key, validated.invalid);
  }
}

/** Asks a row's question of the core, with identities that are given as proven. */
export async function askCore(snapshot: PolicySnapshot, facts: Json, kind: string): Promise<Decision> {
  const world = worldOf(facts, (credential) => ({ key: JSON.stringify(credential), credential }), kind);
  const table = new FactsTable();
  table.synced = world.synced;
  table.watermark = world.watermark;
  const pdp = corePdp(table, new ManualClock(world.now));
  pdp.activate(snapshot);
  store(table, world.records);
  return pdp.decider(world.peer).decide(world.query);
}
