import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FingerprintIndex } from "../../src/registry/fingerprint-index.ts";
import type { IndexTerm } from "../../src/registry/index-terms.ts";
import { closeLmdbFile, openLmdbFile } from "../../src/registry/lmdb-file.ts";
import { LmdbIndex } from "../../src/registry/lmdb-index.ts";

/** More than stand in one value, so that fingerprints go over to the other way and stay there. */
const ids = Array.from({ length: 12 }, (_, each) => `d${String(each).padStart(2, "0")}`);
const terms: readonly IndexTerm[] = ["fingerprint:one", "fingerprint:two"];

const entry = fc.record({ id: fc.constantFrom(...ids), term: fc.constantFrom(...terms) });
/** Batches that are on their way together; each is alone where it takes something away. */
const step = fc.record({
  how: fc.constantFrom("add", "add", "remove", "run"),
  batches: fc.array(fc.array(entry, { minLength: 1, maxLength: 8, size: "max" }), {
    minLength: 1,
    maxLength: 4,
    size: "max",
  }),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Held = Map<IndexTerm, Set<string>>;

/** Does one step, in the index and in `held`. */
async function take(index: LmdbIndex, held: Held, { batches, how }: Step): Promise<void> {
  const inBatch = (entries: Step["batches"][number]): Promise<void> =>
    index.batch(() => {
      for (const { id, term } of entries) index[how === "remove" ? "remove" : "add"](id, [term]);
    });
  for (const { id, term } of batches.flat())
    if (how === "remove") held.get(term)?.delete(id);
    else held.get(term)?.add(id);
  if (how === "add") await Promise.all(batches.map(inBatch));
  else if (how === "remove") for (const each of batches) await inBatch(each);
  else {
    for (const { id, term } of batches.flat()) index.collect(id, [term]);
    await index.writeRun();
  }
}

describe("ids of a fingerprint", () => {
  it("are all found, few or many, whatever is on its way when they are added and removed", {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8, size: "max" }), async (steps) => {
        const dir = await mkdtemp(join(tmpdir(), "sallyport-fingerprints-"));
        let file = openLmdbFile(dir);
        try {
          let index = new LmdbIndex(file);
          await index.clear();
          const held: Held = new Map(terms.map((term) => [term, new Set<string>()]));
          const same = (term: IndexTerm): void => {
            const wanted = [...(held.get(term) ?? [])].sort();
            expect(index.find(term, undefined, 100, () => true)).toEqual(wanted);
            expect(index.find(term, undefined, 2, () => true)).toEqual(wanted.slice(0, 2));
            expect(index.find(term, "d05", 2, () => true)).toEqual(
              wanted.filter((id) => id > "d05").slice(0, 2),
            );
            expect(index.find(term, undefined, 100, (id) => id === "d03")).toEqual(
              wanted.filter((id) => id === "d03"),
            );
          };
          for (const each of steps) {
            await take(index, held, each);
            terms.forEach(same);
          }
          await closeLmdbFile(file);
          file = openLmdbFile(dir);
          index = new LmdbIndex(file);
          terms.forEach(same);
        } finally {
          await closeLmdbFile(file);
          await rm(dir, { recursive: true, force: true });
        }
      }),
      { numRuns: 40 },
    );
  });

  it("are not lost where one of several batches is written, and the next begins", async () => {
    const dir = await mkdtemp(join(tmpdir(), "sallyport-fingerprints-"));
    const file = openLmdbFile(dir);
    const index = new FingerprintIndex(file);
    const hash = { first: 1, second: 2 };
    const begin = (id: string) => ({
      written: file.batch(() => void index.add(hash, id)),
      end: index.endBatch(),
    });
    const [first, second] = [begin("a"), begin("b")];
    first.end();
    const third = begin("c");
    second.end();
    third.end();
    await Promise.all([first.written, second.written, third.written]);
    file.resetReadTxn();
    expect(index.get(hash)).toEqual(["a", "b", "c"]);
    await closeLmdbFile(file);
    await rm(dir, { recursive: true, force: true });
  });

  it("are not lost where the batch before fails", async () => {
    const dir = await mkdtemp(join(tmpdir(), "sallyport-fingerprints-"));
    const file = openLmdbFile(dir);
    const index = new LmdbIndex(file);
    const [term] = terms as readonly [IndexTerm];
    const failing = index.batch(() => {
      index.add("d00", [term]);
      throw new Error("no more room");
    });
    const after = index.batch(() => index.add("d01", [term]));
    await expect(failing).rejects.toMatchObject({ code: "store_unavailable" });
    await after;
    await index.batch(() => index.add("d02", [term]));
    expect(index.find(term, undefined, 9, (id) => id !== "d00")).toEqual(["d01", "d02"]);
    await closeLmdbFile(file);
    await rm(dir, { recursive: true, force: true });
  });
});
