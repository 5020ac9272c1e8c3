/** What is read in one pass is what is read the long way, or is not read so. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import { ByteWriter } from "../../src/registry/byte-writer.ts";
import { createEarReader } from "../../src/registry/ear.ts";
import { packDevice } from "../../src/registry/packed-device.ts";
import { parseUpsert } from "../../src/registry/parse-upsert.ts";
import { RecordTexts } from "../../src/registry/record-texts.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { packedId, packText } from "../../src/registry/tape-device.ts";
import { anyDevice } from "../registry/any-device.ts";
import { device } from "../registry/records.ts";

const ear = createEarReader([]);
const validators = {
  any: createRecordValidator({ ear }),
  signed: createRecordValidator({ ear, signedOnly: true }),
};

interface Packed {
  readonly key: string;
  readonly bytes: string;
}

/** The long way; `undefined`: something has to be said of it. */
function long(record: string, signedOnly: boolean): Packed | undefined {
  const validate = signedOnly ? validators.signed : validators.any;
  const entry = parseUpsert({ type: "upsert", kind: "device", record, revision: 0 }, validate);
  if (entry.record === undefined || entry.remark !== undefined) return undefined;
  return { key: entry.key, bytes: packDevice(entry.record as DeviceRecord).toString("hex") };
}

const writer = new ByteWriter();

/** In one pass, in the midst of others. */
function quick(record: string, signedOnly: boolean, before: string): Packed | undefined {
  const texts = new RecordTexts(1);
  for (const each of [before, record, before]) texts.add(each);
  const [first = 0, end = 0] = texts.ends;
  writer.clear();
  writer.text("what was there");
  const { length } = writer;
  if (!packText(writer, texts.bytes, first + 1, end, signedOnly)) {
    expect(writer.length).toBe(length);
    return undefined;
  }
  return { key: `device:${packedId()}`, bytes: writer.view.subarray(length).toString("hex") };
}

/** Writes JSON as programs do: members in any order, with a space behind colons and commas or without. */
function written(value: unknown, spaced: boolean, order: (names: string[]) => string[]): string {
  const [colon, comma] = spaced ? [": ", ", "] : [":", ","];
  if (Array.isArray(value)) return `[${value.map((each) => written(each, spaced, order)).join(comma)}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = value as Record<string, unknown>;
  const names = order(Object.keys(members).filter((name) => members[name] !== undefined));
  return `{${names.map((name) => `${JSON.stringify(name)}${colon}${written(members[name], spaced, order)}`).join(comma)}}`;
}

const style = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 3 }));
const inStyle = (value: unknown, [spaced, turn]: readonly [boolean, number]): string =>
  written(value, spaced, (names) =>
    turn === 0 ? names : turn === 1 ? names.reverse() : [...names.slice(turn), ...names.slice(0, turn)],
  );

const numbers =
  "-0 -1 0 00 01 1.0 1.5 1e3 127 128 -128 -129 999999999999999 1000000000000 1000000000001 9007199254740991 " +
  "9007199254740993 253402300800";
const texts = '"" "a/b" "\\u0061" "é" "\\"" "gateway" "active" "active, "device"';
const others =
  'null nul true tru [] {} [1] ["a",] ["a","a"] [""] {"a":1,} {"a":1,"a":1} {"7":1,"a":2,"1":3} {"__proto__":1} ' +
  '{"a":1,"b":-1,"c":127}';

/** What a source may write in the place of something else. */
const oddities = [
  ...`${numbers} ${texts} ${others}`.split(" "),
  ...[257, 256].map((length) => `"${"x".repeat(length)}"`),
  '"a b"',
  '"\t"',
];

/** One edit of a text; places and sizes are taken modulo its length. */
const edit = fc.tuple(
  fc.constantFrom("replace", "insert", "delete", "double", "cut", "value", "member", "unmember"),
  fc.nat(),
  fc.nat({ max: 40 }),
  fc.oneof(
    fc.constantFrom(...'"{}[],:0123456789-+.eE\\ \n\tat/é\u007f'),
    fc.constantFrom('"a":1,', ',"id":"x"', "{}"),
  ),
  fc.constantFrom(...oddities),
);

const values = /(?<=[:[,] ?)("(?:[^"\\]|\\.)*"|-?\d+|true|false|null)(?=[,}\]])/g;
const members = /"[a-z_]+": ?("(?:[^"\\]|\\.)*"|-?\d+|true|false|null|\[\]|\{\}),? ?/g;

function edited(
  text: string,
  [how, place, size, piece, oddity]: readonly [string, number, number, string, string],
) {
  const at = place % (text.length + 1);
  const nth = (all: RegExp) => {
    const found = [...text.matchAll(all)];
    return found[place % Math.max(1, found.length)];
  };
  switch (how) {
    case "replace":
      return text.slice(0, at) + piece + text.slice(at + 1);
    case "insert":
      return text.slice(0, at) + piece + text.slice(at);
    case "delete":
      return text.slice(0, at) + text.slice(at + 1);
    case "double":
      return text.slice(0, at + size) + text.slice(at);
    case "cut":
      return text.slice(0, at);
    case "value": {
      const found = nth(values);
      return found === undefined
        ? text
        : text.slice(0, found.index) + oddity + text.slice(found.index + found[0].length);
    }
    default: {
      const found = nth(members);
      if (found === undefined) return text;
      const end = found.index + found[0].length;
      // Said twice, or not at all.
      return how === "member"
        ? text.slice(0, end) + text.slice(found.index)
        : text.slice(0, found.index) + text.slice(end);
    }
  }
}

/** Devices that have, together, everything that a device may have. */
const rich: readonly DeviceRecord[] = [
  device("plain"),
  device("attested", {
    attestation: {
      status: "affirming",
      vector: { "instance-identity": 2, executables: -3 },
      verifier: "v",
      key_fingerprint: "fp-attested",
      appraised_at: 5,
      expires_at: 6,
    },
    firmware: {
      version: "1",
      channel: "debug",
      key: null,
      svn: null,
      attested_key: 4,
      components: { a: 1, b: 2 },
    },
    compliance: { status: "unknown", exception: { id: "e", expires_at: 7 } },
    provenance: { firmware: "device", readiness: "operator" },
  }),
  device("gw", { class: "gateway", children: 3, max_children: 9, regions: [], via: ["a", "b"] }),
  device("claimed", {
    credentials: {
      ["0a".repeat(32)]: {
        status: "active",
        bound_at: 1,
        last_used_at: 2,
        devices: 1,
        type: "claim",
        not_before: 3,
        not_after: 4,
        verifier: "v",
        claim: { single_use: true, used: false, device_ids: ["a", "b"] },
      },
      fp2: {
        status: "revoked",
        bound_at: 1,
        last_used_at: 2,
        devices: 1,
        key_protection: "tpm",
        usage: "control",
      },
    },
    ota: { ...device("x").ota, bucket: 17 },
    state: {
      ...device("x").state,
      signals: [
        { type: "a", expires_at: 1 },
        { type: "b", expires_at: 2 },
      ],
    },
  }),
];

/** A value that stands for whatever is put in its place. */
const place = "@place@";

/** The text of `value` with one thing of it in a place of its own: each member and item, in turn. */
function* places(value: unknown): Generator<(piece: string) => string> {
  for (const whole of withPlace(value)) {
    const [before, after] = JSON.stringify(whole).split(JSON.stringify(place)) as [string, string];
    yield (piece) => before + piece + after;
  }
}

function* withPlace(value: unknown): Generator<unknown> {
  yield place;
  if (typeof value !== "object" || value === null) return;
  for (const [name, each] of Object.entries(value))
    for (const inside of withPlace(each))
      if (Array.isArray(value)) yield value.map((item, index) => (String(index) === name ? inside : item));
      else yield { ...value, [name]: inside };
}

/** The same with a member less, each in turn. */
function* lacking(value: unknown): Generator<unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  for (const [name, each] of Object.entries(value)) {
    const { [name]: _, ...others } = value as Record<string, unknown>;
    yield others;
    for (const inside of lacking(each)) yield { ...value, [name]: inside };
  }
}

/** The same with a member twice, or by another name. */
function* misnamed(text: string): Generator<string> {
  const all = /"([^"]+)":/g;
  for (const { 0: whole, index } of text.matchAll(all)) {
    const named = (name: string): string =>
      `${text.slice(0, index)}${name}:${text.slice(index + whole.length)}`;
    for (const name of [
      "7",
      "10",
      "__proto__",
      "a b",
      "-x",
      "a",
      "é",
      "\\u0061",
      "",
      "x".repeat(129),
      "x".repeat(257),
    ])
      yield named(`"${name}"`);
    for (const { 0: other } of text.matchAll(all)) yield named(other.slice(0, -1));
    // What stands there with its name, once more.
    const rest = text.slice(index + whole.length);
    const value = /^(?:"[^"]*"|-?\d+|true|false|null|\{[^{}]*\}|\[[^[\]]*\]),?/.exec(rest)?.[0];
    if (value === undefined) continue;
    const end = index + whole.length + value.length;
    yield `${text.slice(0, end)}${value.endsWith(",") ? "" : ","}${whole}${value}${text.slice(end)}`;
  }
}

/** Devices of which there are most, and any that there may be. */
const given = fc.oneof(anyDevice, fc.constantFrom(...rich));
const runs = Number(process.env["LAW_RUNS"] ?? 4000);
const before = JSON.stringify(device("another"));

/** That it is packed in one pass as it is the long way, if at all; whether it was. */
function agrees(text: string, signedOnly: boolean): boolean {
  const packed = quick(text, signedOnly, before);
  if (packed !== undefined) expect(packed, text).toEqual(long(text, signedOnly));
  return packed !== undefined;
}

describe("law", () => {
  it("whatever stands in one place of a device, in one pass it is packed as the long way or not at all", {
    timeout: 120_000,
  }, () => {
    let [taken, left] = [0, 0];
    const count = (was: boolean): void => void (was ? taken++ : left++);
    for (const record of rich) {
      for (const put of places(record))
        for (const oddity of [...oddities, `[${'"a",'.repeat(64)}"a"]`]) count(agrees(put(oddity), false));
      for (const less of lacking(record)) count(agrees(JSON.stringify(less), false));
      for (const text of misnamed(JSON.stringify(record))) count(agrees(text, false));
    }
    expect(Math.min(taken, left)).toBeGreaterThan(1000);
  });

  it("a device that is packed in one pass is what the validator makes of its text, whatever that is", {
    timeout: 120_000,
  }, () => {
    let [taken, left, signed] = [0, 0, 0];
    fc.assert(
      fc.property(
        given,
        style,
        fc.array(edit, { maxLength: 3 }),
        fc.boolean(),
        (record, how, edits, signedOnly) => {
          if (!agrees(edits.reduce(edited, inStyle(record, how)), signedOnly)) left++;
          else if (signedOnly) signed++;
          else taken++;
        },
      ),
      { numRuns: runs },
    );
    expect(Math.min(taken, signed, left)).toBeGreaterThan(runs / 40);
  });

  it("plain devices are packed in one pass, in whatever order their members stand", {
    timeout: 120_000,
  }, () => {
    const isPlain = /^[\x20-\x5b\x5d-\x7e]*$/;
    const isIndex = /"\d+": ?[{\d-]/;
    let plain = 0;
    fc.assert(
      fc.property(given, style, (record, how) => {
        const text = inStyle({ ...record, state: { ...record.state, last_seq: 7 } }, how);
        fc.pre(isPlain.test(text) && !isIndex.test(text));
        const packed = long(text, false);
        fc.pre(packed !== undefined);
        plain++;
        expect(quick(text, false, before)).toEqual(packed);
      }),
      { numRuns: runs / 4 },
    );
    expect(plain).toBeGreaterThan(runs / 20);
  });
});
