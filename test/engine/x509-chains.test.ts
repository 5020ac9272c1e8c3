import { describe, expect, it } from "vitest";
import { chainBuiltins } from "../../src/engine/builtins/x509.ts";
import { compareTerms, formatTerm, parseTerm, type Term } from "../../src/engine/term.ts";
import { describeWithOpa, runOpa } from "../opa.ts";
import { chains, longChains, manyNames } from "./x509-chains.ts";

const verify = "crypto.x509.parse_and_verify_certificates";
const now = 1_800_000_000;
const nanoseconds = 1_000_000_000;
const builtins = chainBuiltins({ input: () => JSON.stringify({ now }) });
const source = (certificates: readonly Uint8Array[]): string =>
  Buffer.concat(certificates).toString("base64");
const sources: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({ ...chains(), ...longChains() }).map(([name, each]) => [name, source(each)]),
);

const hosts = [
  "device.example.com",
  "DEVICE.example.com.",
  "one.fleet.example.com",
  "fleet.example.com",
  "a.one.fleet.example.com",
  "*.fleet.example.com",
  "other.example.com",
  "10.1.2.3",
  "[10.1.2.3]",
  "::ffff:10.1.2.3",
  "2001:db8:0::1",
  "[2001:DB8::1]",
  "10.1.2.4",
  "bad host",
  "leaf",
  '"device.example.com"',
];
const usages = [
  ["KeyUsageClientAuth"],
  ["KeyUsageAny"],
  ["KeyUsageServerAuth", "KeyUsageClientAuth"],
  ["nobody"],
  [],
];
const options: readonly object[] = [
  {},
  ...hosts.map((DNSName) => ({ DNSName })),
  ...usages.map((KeyUsages) => ({ KeyUsages })),
  { CurrentTime: 1_590_000_000 * nanoseconds },
  { CurrentTime: 1_704_067_200 * nanoseconds },
  { CurrentTime: 1_704_067_200 * nanoseconds - 1 },
  { CurrentTime: "now" },
  { MaxConstraintComparisons: 1 },
  { Other: 1 },
  { 1: "a key that is no name" },
];

describeWithOpa("chains are judged as OPA judges them", () => {
  /** One run for all pairs of a chain and options. */
  function pairs(names: readonly string[], each: readonly object[]): [string, object][] {
    return names.flatMap((name) =>
      each.map((one): [string, object] => [name, { CurrentTime: now * nanoseconds, ...one }]),
    );
  }

  function compare(all: readonly [string, object][]): number {
    const input = { sources, pairs: all };
    const query = `[x | some i, pair in input.pairs; x := [i, ${verify}_with_options(input.sources[pair[0]], pair[1])]]`;
    const rows = parseTerm(runOpa(["eval", "-f", "raw", "--stdin-input", query], JSON.stringify(input)));
    const told = new Map(rows as readonly [number, Term][]);
    let sound = 0;
    for (const [index, [name, one]] of all.entries()) {
      const own = builtins[`${verify}_with_options`]?.(
        sources[name] as string,
        parseTerm(JSON.stringify(one)),
      );
      const theirs = told.get(index);
      const same =
        own === undefined || theirs === undefined ? own === theirs : compareTerms(own, theirs) === 0;
      expect(
        same,
        `${name}, ${JSON.stringify(one)}: ${own === undefined ? "undefined" : formatTerm(own)}`,
      ).toBe(true);
      if ((own as readonly Term[] | undefined)?.[0] === true) sound++;
    }
    return sound;
  }

  it("whatever is special about them", () => {
    const sound = compare(pairs(Object.keys(sources), [{}, { KeyUsages: ["KeyUsageAny"] }]));
    expect(sound).toBeGreaterThan(60);
  }, 60_000);

  it("whatever the options demand", () => {
    expect(compare(pairs(["sound", "a middle for clients", "a leaf that is past"], options))).toBeGreaterThan(
      10,
    );
  }, 60_000);

  it("without options", () => {
    const query = `{k: x | some k, v in input; x := ${verify}(v)}`;
    const told = parseTerm(runOpa(["eval", "-f", "raw", "--stdin-input", query], JSON.stringify(sources)));
    const present = chainBuiltins({ input: () => JSON.stringify({ now: Math.floor(Date.now() / 1000) }) });
    for (const name of ["sound", "a leaf that is past", "another signature", "a root alone"]) {
      const own = present[verify]?.(sources[name] as string) as Term;
      expect(compareTerms(own, (told as ReadonlyMap<string, Term>).get(name) as Term), name).toBe(0);
    }
  });
});

it("more names and constraints than can be compared in a moment are refused", () => {
  const judged = (count: number): unknown => {
    const own = builtins[verify]?.(source(manyNames(count))) as readonly Term[] | undefined;
    return own?.[0];
  };
  expect([judged(100), judged(600)]).toEqual([true, false]);
});

describe("a chain is judged at the decision time", () => {
  const at = (second: number): unknown => {
    const own = chainBuiltins({ input: () => JSON.stringify({ now: second }) });
    const told = own[verify]?.(sources["sound"] as string) as readonly Term[] | undefined;
    return told?.[0];
  };

  it("and holds from the first to the last second of its certificates", () => {
    expect([1_704_067_199, 1_704_067_200, 4_102_444_799, 4_102_444_800].map(at)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it("and without one it is undefined", () => {
    expect(chainBuiltins({ input: () => "{}" })[verify]?.(sources["sound"] as string)).toBeUndefined();
  });
});
