/** Whose source is still to be told: found in the ledger and in what changes, without asking anybody. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { open } from "lmdb";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Change } from "../../src/decision/change.ts";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import { DutyLedger } from "../../src/registry/duty-ledger.ts";
import { OwedDuties } from "../../src/registry/owed-duties.ts";
import { owes, ownedBy } from "../../src/registry/owes.ts";
import type { RecordReader } from "../../src/registry/stored-record.ts";
import { claimOf, device, now } from "./records.ts";

let dir: string;
let ledger: DutyLedger;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), "sallyport-owed-"));
  ledger = await DutyLedger.open(dir, { holders: (name) => (name === "c" ? ["a", "b"] : []) });
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await ledger[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

const { claim, credential } = claimOf("a", "b");
const listing = (id: string, used = false): DeviceRecord => ({
  ...device(id),
  credentials: { c: { ...credential, claim: { ...claim, used } } },
});

/** Records of two sources, and who listens to their changes. */
class Records {
  readonly #held = new Map<string, { source: string; record: DeviceRecord }>();
  #listener: (change: Change) => unknown = () => {};

  put(source: string, record: DeviceRecord): void {
    this.#held.set(record.id, { source, record });
    this.#listener({ scope: "records", revision: 1, keys: [`device:${record.id}`] });
  }
  replaced(): void {
    this.#listener({ scope: "everything", revision: 2 });
  }
  readonly device: RecordReader["device"] = (id) => {
    const held = this.#held.get(id);
    return held === undefined ? undefined : { key: `device:${id}`, revision: 1, ...held };
  };
  onChange(listener: (change: Change) => unknown): () => void {
    this.#listener = listener;
    return () => (this.#listener = () => {});
  }
}

function watch(records: Records): string[] {
  const found: string[] = [];
  const owed = new OwedDuties({
    ledger,
    records,
    owes: owes(ownedBy(records, "cmdb"), ledger),
    found: (devices) => void found.push(...devices),
  });
  closing.push(() => owed[Symbol.asyncDispose]());
  return found;
}

it("is every device that lists a claim, of this source, and none whose record says it already", async () => {
  const records = new Records();
  records.put("cmdb", listing("a"));
  records.put("cmdb", listing("b"));
  records.put("other", { ...device("c") });
  const found = watch(records);
  await ledger.markReentry("c", now);
  await ledger.spendClaim("c", "a");
  expect(found.toSorted()).toEqual(["a", "b"]);
  found.length = 0;
  records.put("cmdb", listing("a", true));
  records.put("cmdb", device("nobody"));
  expect(found).toEqual([]);
  // A source that says again what it was told otherwise, and one that owns a device only now.
  records.put("cmdb", listing("b"));
  records.put("cmdb", device("c"));
  expect(found).toEqual(["b", "c"]);
});

it("is looked for in all of a large ledger at a start and when everything changes, in steps", async () => {
  const marks = new Map(Array.from({ length: 2000 }, (_, each) => [`d${each}`, now] as const));
  await ledger.markReentries(marks);
  const records = new Records();
  for (const id of marks.keys()) records.put("cmdb", device(id));
  records.put("cmdb", { ...device("d7"), state: { ...device("d7").state, reentry_required_since: now } });
  const found = watch(records);
  // Others run before it has seen them all.
  expect(found.length).toBeLessThan(200);
  await vi.waitFor(() => expect(found).toHaveLength(1999));
  expect(new Set(found).size).toBe(1999);
  expect(found).not.toContain("d7");
  records.replaced();
  await vi.waitFor(() => expect(found).toHaveLength(2 * 1999));
});

it("is known of a ledger that an earlier release wrote", async () => {
  await ledger.spendClaim("c", "a");
  await ledger[Symbol.asyncDispose]();
  const old = open({ path: dir, name: "duties", maxDbs: 4 });
  await old.openDB({ name: "spenders" }).drop();
  await old.close();
  ledger = await DutyLedger.open(dir);
  expect([ledger.concerns("a"), ledger.concerns("z")]).toEqual([true, false]);
  expect([...ledger.slices()].flat()).toEqual(["a"]);
});
