import { execFileSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { findOpa, runOpa } from "../../policies/opa.ts";
import { ignoreFlags } from "../../src/workbench/sources.ts";
import { canonical, replaceAt } from "./clock.ts";
import { evaluate } from "./harness.ts";
import { type Facts, ownRows, root, sharedRows } from "./tables.ts";
import { entrypoints, inputOf, models, twisted, twists } from "./twists.ts";

const policies = join(root, "policies");
const opa = findOpa(root, process.env["CI"] !== undefined);
if (opa === undefined) console.log("NOT RUN: opa");

interface Asked {
  readonly kind: string;
  readonly input: Facts;
}

const plain = /"allow":true,"findings":\[\],.*"reason":"ok"/;

function rows(): Asked[] {
  return [...ownRows, ...sharedRows].flatMap((row) => {
    const input = inputOf(row.kind, row.facts);
    return input === undefined ? [] : [{ kind: row.kind, input }];
  });
}

function bent(): Asked[] {
  const one = fc.record({
    model: fc.constantFrom(...models),
    kind: fc.constantFrom(...entrypoints),
    stream: fc.constantFrom("hv", "ops", "mgmt", "rec"),
    names: fc.subarray(Object.keys(twists), { maxLength: 4 }),
  });
  return fc.sample(one, { numRuns: 600, seed: 11 }).flatMap(({ model, kind, stream, names }) => {
    const input = inputOf(kind, twisted(model, kind, stream, names));
    return input === undefined ? [] : [{ kind, input }];
  });
}

/** Healthy publishes with one fact at a time gone, another value or another type: where a short cut would slip. */
function nearMisses(): Asked[] {
  return models.flatMap((model) =>
    ["hv", "ops"].flatMap((stream) => {
      const input = inputOf("publish", twisted(model, "publish", stream, []));
      if (input === undefined) return [];
      const wrong = ["zz", -1, 4e9, true, null, []];
      return paths(input).map((path, i) => ({
        kind: "publish",
        input: replaceAt(input, path, wrong[(i + model.length) % wrong.length] ?? null) as Facts,
      }));
    }),
  );
}

function paths(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, entry]) => [[...path, key], ...paths(entry, [...path, key])]);
}

/** The value of a rule for each input, by one OPA process. (`with input as q.input` would not replace it.) */
function evalAll(rule: (kind: string) => string, asked: readonly Asked[]): unknown[] {
  if (opa === undefined) return [];
  const kinds = [...new Set(asked.map(({ kind }) => kind))];
  const answers = kinds.map(
    (kind) =>
      `{"kind": "${kind}", "values": [{"v": v} | some q in input.asked; q.kind == "${kind}"; i := q.input; v := ${rule(kind)} with input as i]}`,
  );
  const [program, ...first] = opa;
  const printed = execFileSync(
    program,
    [...first, "eval", "-f", "json", "-b", ".", ...ignoreFlags(), "--stdin-input", `[${answers.join(", ")}]`],
    {
      cwd: policies,
      encoding: "utf8",
      input: JSON.stringify({ asked }),
      maxBuffer: 1 << 28,
    },
  );
  const [result] = (
    JSON.parse(printed) as {
      readonly result: readonly { readonly expressions: readonly { readonly value: unknown }[] }[];
    }
  ).result;
  const told = (result?.expressions[0]?.value ?? []) as {
    readonly kind: string;
    readonly values: { readonly v: unknown }[];
  }[];
  const values = new Map(told.map((of) => [of.kind, [...of.values]]));
  return asked.map(({ kind }) => values.get(kind)?.shift()?.v);
}

it.skipIf(opa === undefined)(
  "OPA and the committed Wasm answer alike",
  () => {
    const asked = [...rows(), ...bent()];
    const answers = evalAll((kind) => `data.sallyport.${kind}`, asked);
    for (const [i, { kind, input }] of asked.entries()) {
      expect(canonical(evaluate(`sallyport/${kind}`, input)), JSON.stringify(input)).toBe(
        canonical(answers[i]),
      );
    }
  },
  120_000,
);

it.skipIf(opa === undefined)(
  "the straight path of publish answers as the explained one",
  () => {
    const asked = [...rows(), ...bent(), ...nearMisses()].filter(({ kind }) => kind === "publish");
    const straight = evalAll(() => "data.sallyport.publish", asked);
    const explained = evalAll(() => "data.sallyport.authz.publish.explained", asked);
    for (const [i, answer] of straight.entries()) {
      expect(canonical(answer), JSON.stringify(asked[i]?.input)).toBe(canonical(explained[i]));
    }
    expect(straight.filter((answer) => plain.test(canonical(answer))).length).toBeGreaterThan(100);
  },
  120_000,
);

it.skipIf(opa === undefined)(
  "opa check --strict and opa test pass",
  () => {
    if (opa === undefined) return;
    runOpa(
      opa,
      ["check", "-b", "--strict", "--ignore", "cases", "--ignore", "schemas", "--ignore", "*.ts", "."],
      policies,
    );
    const report = runOpa(
      opa,
      ["test", "-b", "--ignore", "cases", "--ignore", "schemas", "--ignore", "*.ts", "."],
      policies,
    );
    expect(report).toMatch(/^PASS: \d+\/\d+/m);
    expect(runOpa(opa, ["fmt", "-l", "."], policies)).toBe("");
  },
  120_000,
);
