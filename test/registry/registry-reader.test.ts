import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RecordKey } from "../../src/decision/facts.ts";
import { LmdbStore } from "../../src/registry/lmdb-store.ts";
import type { StoredValue } from "../../src/registry/record-store.ts";
import { RegistryReader } from "../../src/registry/registry-reader.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, now } from "./records.ts";

let dir: string;
let store: LmdbStore;
let reader: RegistryReader;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-reader-"));
  store = await LmdbStore.open(dir);
  reader = new RegistryReader(dir, new ManualClock(now));
});
afterEach(async () => {
  await reader[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const changes = (hw_rev: string, ...ids: string[]): Map<RecordKey, StoredValue | null> =>
  new Map(
    ids.map(
      (id) => [`device:${id}`, { revision: 1, source: "file", record: device(id, { hw_rev }) }] as const,
    ),
  );
const flip = (revision: number): void => store.flip({ revision, sources: {} });
const tell = (): void => {
  const { revision } = store.state;
  const told = { revision, synced: true, sources: [] };
  reader.apply({ scope: "everything", revision }, told);
};
const seen = (...ids: string[]): (string | undefined)[] => ids.map((id) => reader.device(id)?.record?.hw_rev);

test("what a snapshot brings is read from its flip on, before and after it is folded into its place", async () => {
  await store.stage(changes("one", "a", "b"));
  flip(1);
  tell();
  expect(seen("a", "b")).toEqual(["one", "one"]);

  await store.stage(new Map([...changes("two", "a"), ["device:b", null]]));
  tell();
  expect(seen("a", "b")).toEqual(["one", "one"]);
  flip(2);
  tell();
  expect(seen("a", "b")).toEqual(["two", undefined]);
  await store.fold();
  expect(seen("a", "b")).toEqual(["two", undefined]);
});

test("what the next snapshot stages is not read, though the one before was told of while it was folded", async () => {
  await store.stage(changes("one", "a"));
  flip(1);
  await store.stage(changes("two", "a"));
  flip(2);
  tell();
  await store.fold();
  // Nobody tells of the end of a fold, nor of what is staged.
  await store.stage(changes("three", "a"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen("a")).toEqual(["two"]);
  flip(3);
  tell();
  expect(seen("a")).toEqual(["three"]);
});
