/** A record that says something twice: nobody can know which is true, so that it is none, whichever source it is of. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parseEntry } from "../../src/registry/parse-entry.ts";
import { parseUpsert } from "../../src/registry/parse-upsert.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { RegistryFile } from "../../src/registry/registry-file.ts";
import { toSyncEvent } from "../../src/registry/to-sync-event.ts";
import { twiceNamed } from "../../src/registry/twice-named.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, entry, now } from "./records.ts";

const validate = createRecordValidator();
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const good = JSON.stringify(device("a"));
/** The same device, quarantined by one half of the record and not by the other. */
const nested = good.replace('"quarantine":{', '"quarantine":{"active":true,');
const renamed = good.replace('"id":"a"', '"id":"b","id":"a"');
const reason = (name: string): string =>
  `\`${name}\` is there twice in one object: which of them is true cannot be known`;

async function read(name: string, text: string) {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-twice-"));
  closing.push(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, name);
  writeFileSync(file, text);
  const clock = new ManualClock(now);
  const registry = await openRegistry({ memory: true, clock });
  closing.push(() => registry[Symbol.asyncDispose]());
  const source = await RegistryFile.open(registry, {
    path: file,
    clock,
    settleMs: 0,
    watch: false,
    validate,
  });
  closing.push(() => source[Symbol.asyncDispose]());
  return registry;
}

describe("a name that stands twice", () => {
  it("is in the samples: JSON itself takes the last", () => {
    for (const text of [nested, renamed]) expect(JSON.parse(text)).toEqual(device("a"));
    expect(nested.length).toBeGreaterThan(good.length);
  });

  it.each([0, 10, 63, 64, 65, 66, 200, 50_000])(
    "is found %d levels below, among lists and objects",
    (levels) => {
      const around = (inner: string): string =>
        `${'{"a":'.repeat(levels / 2)}${"[1,".repeat(levels / 2)}${inner}${"]".repeat(levels / 2)}${"}".repeat(levels / 2)}`;
      for (const [inner, name] of [
        ['{"x":1,"x":2}', "x"],
        ['{"x":1,"y":[{"z":1},{"z":1}]}', undefined],
      ] as const) {
        const text = around(inner);
        expect(twiceNamed(text, JSON.parse(text))?.name).toBe(name);
      }
    },
  );

  it.each([
    ["NDJSON", "fleet.ndjson", (records: string[]) => records.join("\n")],
    ["JSON", "fleet.json", (records: string[]) => `[\n ${records.join(",\n ")}\n]`],
  ])("isolates the record of a file of %s, and leaves the others", async (_what, name, join_) => {
    const line = (record: string): string => `{"kind": "device", "record": ${record}}`;
    const registry = await read(
      name,
      `${join_([line(nested), line(renamed.replaceAll('"a"', '"c"')), JSON.stringify(entry.device("d"))])}\n`,
    );
    expect(registry.device("a")?.invalid).toBe(reason("active"));
    // Which record is meant is not known: none of the two is in force.
    expect([registry.device("b"), registry.device("c")]).toEqual([undefined, undefined]);
    expect(registry.device("d")?.record?.id).toBe("d");
    const { rejected } = registry.status().sources[0] ?? { rejected: [] };
    expect(rejected.map((each) => [each.key, each.reason])).toEqual([
      ["device:a", reason("active")],
      [undefined, reason("id")],
    ]);
  });

  it("refuses a file of YAML as a whole", async () => {
    const registry = await read(
      "fleet.yaml",
      `- kind: device\n  kind: tenant\n  record: ${good}\n- kind: device\n  record: ${good}\n`,
    );
    expect(registry.freshness().synced).toBe(false);
    expect(registry.status().sources[0]?.fault?.message).toMatch(/YAML/);
  });

  it("isolates the record of a line over HTTP; what says twice what it deletes is no line", () => {
    const event = (text: string) =>
      toSyncEvent({ bytes: Buffer.from(text), number: 3, ended: true, tooLong: false });
    const told = (text: string) => parseUpsert(event(text) as Parameters<typeof parseUpsert>[0], validate);
    expect(told(`{"kind":"device","revision":7,"record":${nested}}`)).toEqual({
      key: "device:a",
      invalid: reason("active"),
    });
    expect(told(`{"kind":"device","record":${renamed}}`)).toEqual({ key: undefined, invalid: reason("id") });
    expect(told(`{"kind":"device","key":"device:a","key":"device:z","record":${good}}`)).toMatchObject({
      key: undefined,
    });
    expect(told(`{"kind":"device","key":"device:a","record":${good}}`)).toMatchObject({
      key: "device:a",
      record: { id: "a" },
    });
    expect(() => event('{"kind":"delete","key":"device:a","key":"device:b"}')).toThrow(
      "line 3 of the answer names `key` twice",
    );
  });

  it("isolates the record of a push or a bucket, by the key that it came under", () => {
    const upsert = { type: "upsert", kind: "device", revision: 1 } as const;
    expect(parseUpsert({ ...upsert, record: nested }, validate)).toEqual({
      key: "device:a",
      invalid: reason("active"),
    });
    expect(parseUpsert({ ...upsert, record: renamed }, validate)).toEqual({
      key: undefined,
      invalid: reason("id"),
    });
    expect(parseUpsert({ ...upsert, key: "device:b", record: renamed }, validate)).toEqual({
      key: "device:b",
      invalid: reason("id"),
    });
    expect(parseUpsert({ ...upsert, record: good }, validate)).toMatchObject({
      key: "device:a",
      record: { id: "a" },
    });
  });

  it("refuses an end that says twice how much came before it", () => {
    const text = '{"kind":"end","count":2,"count":3}';
    expect(parseEntry(JSON.parse(text), validate, text)).toEqual({
      key: undefined,
      invalid: reason("count"),
    });
  });
});
