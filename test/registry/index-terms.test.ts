/** What a device is found by: each term of its record, and no other. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  defaultSpiffeNaming,
  holdsTerm,
  type IndexName,
  type IndexTerm,
  idsNamedBy,
  indexedOf,
  indexTerms,
} from "../../src/registry/index-terms.ts";
import { deviceRecord } from "../records.ts";

const names: readonly IndexName[] = ["fingerprint", "spiffe", "tenant", "model", "gateway"];
// Few words, so that a term and a record often agree; some are names that every object inherits.
const word = fc.constantFrom("a", "b", "", "constructor", "__proto__", "toString");
const device = fc
  .record({ id: word, tenant: word, model: word, via: fc.array(word), fingerprints: fc.array(word) })
  .map(({ fingerprints, ...fields }) => {
    const record = deviceRecord("d", 1_800_000_000);
    const [credential] = Object.values(record.credentials);
    // As the store gives them back.
    const credentials = Object.create(null) as Record<string, unknown>;
    for (const each of fingerprints) credentials[each] = credential;
    return { ...record, ...fields, credentials } as unknown as typeof record;
  });

describe("the terms of a device", () => {
  it("are held by it, and no other term is", () => {
    const value = fc.oneof(
      word,
      word.map((id) => `spiffe://prod.devices.acme.example/tenant/a/device/${id}`),
    );
    fc.assert(
      fc.property(device, fc.constantFrom(...names), value, (record, name, of) => {
        const terms = indexTerms(indexedOf(record));
        for (const term of terms) expect(holdsTerm(indexedOf(record), term)).toBe(true);
        const term: IndexTerm = `${name}:${of}`;
        expect(holdsTerm(indexedOf(record), term)).toBe(terms.includes(term));
        const named = `spiffe:${defaultSpiffeNaming.of(record)}` as const;
        const ids = (each: IndexTerm) => idsNamedBy(each, defaultSpiffeNaming, () => record);
        // Ids of the registry are never empty, and hold no slash.
        const real = record.id !== "" && record.tenant !== "";
        if (real) expect(ids(named)).toEqual([record.id]);
        if (name === "spiffe") expect(ids(term)).toEqual(real && term === named ? [record.id] : []);
        else expect(ids(term)).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  it("are none where there is no device", () => {
    expect(holdsTerm(undefined, "tenant:a")).toBe(false);
    expect(indexedOf({ id: "a", status: "active" } as never)).toBeUndefined();
    for (const odd of [
      "spiffe:",
      "spiffe:x",
      "spiffe:spiffe://d/tenant/a/device/",
      "spiffe:spiffe://d/tenant/a/device/+",
    ])
      expect(idsNamedBy(odd as IndexTerm, defaultSpiffeNaming, () => undefined)).toEqual([]);
  });
});
