import { expect, it } from "vitest";
import type { Facts } from "../../src/workbench/facts.ts";
import { renderJunit } from "../../src/workbench/junit.ts";
import { openProject } from "../../src/workbench/project.ts";
import { resultFault } from "../../src/workbench/result-fault.ts";
import { hasPassed, type TestReport, testPolicy } from "../../src/workbench/test-policy.ts";
import { describeWithOpa } from "../opa.ts";
import { cases, opa, project, rules } from "./project.ts";

const run = (files: Readonly<Record<string, string>> = {}, coverage = false): Promise<TestReport> =>
  testPolicy(opa(), openProject(project(files)), { coverage });

describeWithOpa("policy test", () => {
  it("passes the shipped policies, on the compiled module and by OPA, in seconds", async () => {
    const started = performance.now();
    const report = await testPolicy(opa(), openProject("policies"), { coverage: true });
    expect(hasPassed(report)).toBe(true);
    expect(report.cases.length).toBeGreaterThan(200);
    expect(report.tests.length).toBeGreaterThan(15);
    expect(report.coverage?.percent).toBeGreaterThan(90);
    expect(performance.now() - started).toBeLessThan(30_000);
  }, 60_000);

  it("says which field of which row is otherwise", async () => {
    const text = cases.replace("answer: ok}", "answer: ok, duties: {max_qos: 1}, findings: [support_ended]}");
    const report = await run({ "cases/first.yaml": text });
    expect(hasPassed(report)).toBe(false);
    expect(report.cases.map(({ differences }) => differences)).toEqual([
      [],
      [
        { field: "obligations.max_qos", expected: 1, actual: undefined },
        { field: "findings", expected: ["support_ended"], actual: [] },
      ],
    ]);
    const wrong = await run({ "cases/first.yaml": cases.replace("answer: ok}", "answer: qos_not_allowed}") });
    expect(wrong.cases[1]?.differences).toEqual([
      { field: "allow", expected: false, actual: true },
      { field: "reason", expected: "qos_not_allowed", actual: "ok" },
    ]);
  });

  it("runs Rego tests by both engines: a failure and a skipped one are told", async () => {
    const report = await run({
      "a_test.rego":
        'package a_test\n\ntest_good if 1 == 1\n\ntest_bad if data.site.prefix == "u/"\n\ntodo_test_later if false\n',
    });
    expect(report.tests.map(({ name, state, row }) => [name, state, row])).toEqual([
      ["data.a_test.test_good", "passed", 3],
      ["data.a_test.test_bad", "failed", 5],
      ["data.a_test.todo_test_later", "skipped", 7],
    ]);
    expect(hasPassed(report)).toBe(false);
  });

  it("notices where the compiled module answers otherwise than OPA", async () => {
    // The base64 of the compiled module takes text without padding, which OPA does not.
    const report = await run({
      "a_test.rego": 'package a_test\n\ntest_padding if not base64.is_valid("YQ")\n',
    });
    expect(report.tests[0]?.detail ?? "").toMatch(/OPA passes it, compiled it/);
  });

  it("measures what tests and tables evaluate together, and not the tests", async () => {
    const before = await run({}, true);
    const after = await run(
      { "a_test.rego": "package a_test\n\ntest_denied if data.sallyport.denied.allow == false\n" },
      true,
    );
    expect(before.coverage?.files.map(({ file }) => file)).not.toContain("a_test.rego");
    expect(after.coverage?.percent).toBeGreaterThan(before.coverage?.percent ?? 100);
    const missed = before.coverage?.files.find(({ file }) => file === "sallyport.rego")?.missed ?? [];
    expect(missed).toContain(rules.split("\n").findIndex((line) => line.startsWith("denied")) + 1);
  });

  it("says why a result is none", async () => {
    const report = await run({
      "sallyport.rego": rules.replace('"reason": "topic_out_of_scope"', '"reason": "no_way"'),
      "cases/first.yaml": cases.replace("t/m-1/x", "u/x"),
    });
    expect(report.cases[1]?.answer).toMatchObject({
      reason: "internal_error",
      detail: "the reason `no_way` is not in the vocabulary of docs/reasons.md",
    });
  });

  it("writes JUnit that counts and escapes", async () => {
    const text = cases
      .replace("its own topic", '"<its own> & \\u0001topic"')
      .replace("answer: ok}", "answer: ok_eol}");
    const xml = renderJunit(await run({ "cases/first.yaml": text }));
    expect(xml).toMatch('<testsuite name="cases" tests="2" failures="1" skipped="0">');
    expect(xml).toMatch(
      'name="first#2 &lt;its own&gt; &amp; \u{fffd}topic" file="cases/first.yaml" line="11"',
    );
    expect(xml).toMatch(/<failure message="reason: expected &quot;ok_eol&quot;, got &quot;ok&quot;">/);
  });
});

it.each<[string, string, unknown]>([
  ["undefined", "undefined for this input", undefined],
  ["no object", "is a list", []],
  ["no allow", "`allow` is absent", { reason: "ok" }],
  ["another type", "`allow` is a string", { allow: "yes", reason: "ok" }],
  ["no reason", "`reason` is a number", { allow: true, reason: 1 }],
  ["the other side", "is one of an allow, but allow is false", { allow: false, reason: "ok" }],
  ["findings", "`findings` is not a list", { allow: true, reason: "ok", findings: "x" }],
  ["an obligation", "`ttl` is unknown", { allow: true, reason: "ok", obligations: { ttl: 3 } }],
  [
    "its type",
    "`max_qos` has a value of the wrong type",
    { allow: true, reason: "ok", obligations: { max_qos: "1" } },
  ],
])("a wrong result is explained: %s", (_, message, result) => {
  expect(resultFault("publish", result)).toMatch(message);
});

it("a right result has no fault, and grants need their list", () => {
  const right: Facts = { allow: true, reason: "ok", findings: [], obligations: { session: { max_s: 1 } } };
  expect(resultFault("connect", right)).toBeUndefined();
  expect(resultFault("grants", right)).toMatch(/`grants` is not a list/);
  expect(resultFault("grants", { ...right, grants: [] })).toBeUndefined();
});
