/** What an author may get wrong: each is said at its place with a remedy, by `check` and by `build`. */
import { expect, it } from "vitest";
import { buildBundle } from "../../src/workbench/build.ts";
import { checkPolicy } from "../../src/workbench/check.ts";
import { failingCases } from "../../src/workbench/failing-cases.ts";
import { type Finding, findingsIn } from "../../src/workbench/finding.ts";
import { openProject } from "../../src/workbench/project.ts";
import { describeWithOpa } from "../opa.ts";
import { cases, opa, project, rules, whole } from "./project.ts";

type Files = Readonly<Record<string, string>>;

/** The findings of a step, thrown or returned. */
async function findingsOf(step: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await step();
  } catch (thrown) {
    const found = findingsIn(thrown);
    if (found.length === 0) throw thrown;
    return found;
  }
}

const checked = (files: Files): Promise<readonly Finding[]> =>
  findingsOf(() => checkPolicy(opa(), openProject(project(files))));
const built = (files: Files): Promise<readonly Finding[]> =>
  findingsOf(async () => {
    const opened = openProject(project(files));
    return failingCases(opened, (await buildBundle(opa(), opened, 1)).bundle);
  });

const shape = (result: string): Files => ({
  "sallyport.rego": rules.replace(
    '{"allow": true, "reason": "ok", "findings": [], "obligations": {}}',
    result,
  ),
});
const bomb = Array.from(
  { length: 9 },
  (_, at) => `x${at + 1}: &x${at + 1} [${Array(9).fill(`*x${at}`).join(",")}]`,
);
const row = (text: string): Files => ({ "cases/first.yaml": `${cases}  - ${text}\n` });

const wrong: readonly (readonly [about: string, files: Files, place: RegExp, said: RegExp])[] = [
  ["no Rego", { "a.rego": "package a\n\nx := {\n" }, /^a\.rego:[34]:\d+$/, /parse-error: /],
  [
    "a variable without a value",
    { "a.rego": "package a\n\nx := y\n" },
    /^a\.rego:3:\d+$/,
    /unsafe-var-error: var y/,
  ],
  [
    "a circle of rules",
    { "a.rego": "package a\n\nx := y\n\ny := x\n" },
    /^a\.rego:3:1$/,
    /recursion-error: .*recursive/,
  ],
  [
    "a rule that is missing",
    { "sallyport.rego": rules.replace("command := denied", "") },
    /^(?:sallyport\.rego|\.):1:1$/,
    /entrypoint-missing: there is no rule for the entrypoint `sallyport\/command`/,
  ],
  [
    "a mask that is missing",
    { "mask.rego": "package system.log\n\nx := 1\n" },
    /^(?:mask\.rego|\.):1:1$/,
    /entrypoint-missing: .* `system\/log\/mask`/,
  ],
  [
    "data that never ends",
    { "data.yaml": "site: &a {b: *a}\n" },
    /^data\.yaml:1:1$/,
    /yaml: an alias stands inside/,
  ],
  [
    "data that multiplies",
    { "data.yaml": `x0: &x0 [1]\n${bomb.join("\n")}\n` },
    /^data\.yaml:1:1$/,
    /yaml: aliases multiply/,
  ],
  [
    "huge data",
    { "data.yaml": `site: ${"x".repeat(9 * 1024 * 1024)}\n` },
    /^data\.yaml:1:1$/,
    /data-size: policy data has \d+ bytes, 8388608 are allowed/,
  ],
  ["data that is a list", { "data.yaml": "- 1\n" }, /^data\.yaml:1:1$/, /data: policy data is not an object/],
  [
    "data that is no YAML",
    { "data.yaml": "site:\n  a: [1\nb: 2\n" },
    /^data\.yaml:[34]:\d+$/,
    /yaml: this is no YAML/,
  ],
  [
    "a schema that is no JSON",
    { "schemas/connect.json": '{\n  "type": "object",\n  oops\n}\n' },
    /^schemas\/connect\.json:3:3$/,
    /schema: this is no JSON/,
  ],
  [
    "settings of another name",
    { "policy.yaml": "optimise: 1\n" },
    /^policy\.yaml:1:\d+$/,
    /unknown-field: .*`optimise`/,
  ],
  [
    "a setting of another kind",
    { "policy.yaml": "coverage: much\n" },
    /^policy\.yaml:1:\d+$/,
    /`coverage` must be number/,
  ],
  [
    "a field of a case that nobody knows",
    row("{name: a, ask: connect, of: meter, answr: ok}"),
    /^cases\/first\.yaml:12:\d+$/,
    /unknown-field: .*`answr`; known are name, ask/,
  ],
  [
    "a case about nobody",
    row("{name: a, ask: connect, of: metre, answer: ok}"),
    /^cases\/first\.yaml:12:\d+$/,
    /case-file: there is no subject `metre`/,
  ],
  [
    "a case with another entrypoint",
    row("{name: a, ask: conect, of: meter, answer: ok}"),
    /^cases\/first\.yaml:12:\d+$/,
    /case-file: `conect` is no entrypoint/,
  ],
];

describeWithOpa("bad input", () => {
  it("is none in the project that the others spoil", async () => {
    expect([await checked({}), await built({})]).toEqual([[], []]);
  });

  it.each(wrong)("%s is said with place and remedy by check and by build", async (_, files, place, said) => {
    for (const found of [await checked(files), await built(files)]) {
      const told = found.map(
        ({ code, file, row, col, message }) => `${file}:${row}:${col} ${code}: ${message}`,
      );
      const one = found.find(({ code, message }) => said.test(`${code}: ${message}`));
      expect(one, told.join("\n")).toBeDefined();
      expect(`${one?.file}:${one?.row}:${one?.col}`).toMatch(place);
      expect(found.filter(({ fix }) => fix === undefined)).toEqual([]);
    }
  });

  it.each([
    ['{"allow": "yes", "reason": "ok"}', "`allow` is a string, not a boolean"],
    ['{"allow": true, "reason": "fine"}', "the reason `fine` is not in the vocabulary of docs/reasons.md"],
    [
      '{"allow": true, "reason": "device_unknown"}',
      "the reason `device_unknown` is one of a denial, but allow is true",
    ],
    ['{"allow": true, "reason": "ok", "findings": "none"}', "`findings` is not a list of codes"],
    ['{"allow": true, "reason": "ok", "obligations": {"ttl": 1}}', "the obligation `ttl` is unknown"],
    ['["ok"]', "the result is a list, not an object"],
  ])(
    "the result %s is said at the case that meets it, with what is wrong about it",
    async (result, because) => {
      const [one, ...others] = await built(shape(result));
      expect(others).toEqual([]);
      expect(one).toMatchObject({
        code: "case-failed",
        file: "cases/first.yaml",
        row: 11,
        fix: expect.any(String),
      });
      expect(one?.message).toContain(`got "internal_error"; because ${because}`);
    },
  );

  it("a rule without a default is said the same way", async () => {
    const undefinedRule = { ...whole, "sallyport.rego": rules.replace(/default connect .*\n/, "") };
    const [one] = await built(undefinedRule);
    expect(one?.message).toMatch(/because the rule is undefined for this input; give it a default$/);
  });
});
