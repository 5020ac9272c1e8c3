import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadPolicy } from "../../src/engine/load-policy.ts";
import { describeWithOpa, runOpa } from "../opa.ts";

const policies = join(import.meta.dirname, "policies");
const data = JSON.parse(readFileSync(join(policies, "data.json"), "utf8")) as unknown;
const rules = ["result", "first", "allow", "echo"];

describe("the committed policy modules", () => {
  const digests = JSON.parse(readFileSync(join(policies, "digests.json"), "utf8")) as Record<string, string>;
  it.each(Object.entries(digests))("%s is what its module was compiled from", (file, digest) => {
    const source = readFileSync(join(policies, file));
    expect(createHash("sha256").update(source).digest("hex"), "rebuild: see policies/build.ts").toBe(digest);
  });
});

/** Letters old enough to be alike in every version of Unicode. */
const letter = fc.constantFrom(...Array.from("abzAZ09/-_.+#$ éßЖжΩ日本😀\u0301\t\u007f"));
const word = fc.oneof(
  fc.constantFrom(
    "",
    "a",
    "b",
    "a/b",
    "ab",
    "é",
    "é",
    "😀a",
    "～",
    "\u0000",
    "\u2028",
    "\\",
    '"',
    " a\n",
    "alice",
  ),
  fc.string({ unit: letter, maxLength: 6 }),
);
const number = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.integer({ min: -1_000_000, max: 1_000_000 }),
  fc
    .integer({ min: -800, max: 800 })
    .filter((quarters) => quarters <= -4 || quarters >= 0)
    .map((quarters) => quarters / 4),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false),
    number,
    word,
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.dictionary(word, tie("tree"), { maxKeys: 3 }),
  ),
}));
const table = fc.dictionary(fc.constantFrom("a", "b", "c", "z", "é"), tree, { maxKeys: 4 });
const input = fc.record(
  {
    text: fc.oneof({ weight: 5, arbitrary: word }, tree),
    words: fc.oneof({ weight: 5, arbitrary: fc.array(word, { maxLength: 5 }) }, tree),
    numbers: fc.oneof({ weight: 5, arbitrary: fc.array(number, { maxLength: 5 }) }, tree),
    tree,
    table: fc.oneof({ weight: 5, arbitrary: table }, tree),
    who: fc.oneof({ weight: 5, arbitrary: fc.constantFrom("alice", "bob", "guy", "eve") }, tree),
  },
  { requiredKeys: [] },
);

describeWithOpa("the engine and `opa eval`", () => {
  let scratch: string;
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), "sallyport-differential-"));
  });
  afterAll(() => {
    rmSync(scratch, { recursive: true });
  });

  /** One OPA process answers all inputs; an undefined rule is absent. */
  function askOpa(inputs: readonly unknown[]): Record<string, unknown>[] {
    writeFileSync(join(scratch, "inputs.json"), JSON.stringify({ inputs }));
    const each = rules
      .map((rule) => `{["${rule}", x] | x := data.language.${rule} with input as i}`)
      .join(" | ");
    const query = `[{k: v | some [k, v] in (${each})} | some i in data.inputs]`;
    const files = [
      join(policies, "language.rego"),
      join(policies, "data.json"),
      join(scratch, "inputs.json"),
    ];
    const printed = runOpa(["eval", "--format", "raw", ...files.flatMap((file) => ["-d", file]), query]);
    return JSON.parse(printed) as Record<string, unknown>[];
  }

  it("agree on generated inputs, sets in order", () => {
    const policy = loadPolicy({
      wasm: readFileSync(join(policies, "language.wasm")),
      data,
      required: rules.map((rule) => `language/${rule}`),
    });
    const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    const inputs = fc.sample(input, { numRuns: 1000, seed });
    const theirs = askOpa(inputs);
    const reached = new Set<string>();
    for (const [at, one] of inputs.entries()) {
      const text = JSON.stringify(one);
      const ours: Record<string, unknown> = {};
      for (const rule of rules) {
        const value = policy.evaluate(`language/${rule}`, text);
        if (value !== undefined) ours[rule] = value;
      }
      expect(ours, `SEED=${seed}, input ${at}: ${text}`).toEqual(theirs[at]);
      for (const rule of Object.keys(ours["result"] as object)) reached.add(rule);
    }
    const source = readFileSync(join(policies, "language.rego"), "utf8");
    const declared = new Set(Array.from(source.matchAll(/^result\.(\w+)/gm), (match) => match[1] as string));
    expect(
      [...declared].filter((rule) => !reached.has(rule)),
      "rules that no input reached",
    ).toEqual([]);
    expect(policy.replaced).toBe(0);
  }, 120_000);
});
