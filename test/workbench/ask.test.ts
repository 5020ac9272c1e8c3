import { expect, it } from "vitest";
import { askOfCase, askPolicy } from "../../src/workbench/ask.ts";
import { tracePolicy } from "../../src/workbench/explain.ts";
import { inspectProject } from "../../src/workbench/inspect.ts";
import { openProject } from "../../src/workbench/project.ts";
import { describeWithOpa } from "../opa.ts";
import { cases, opa, project, rules } from "./project.ts";

const shipped = openProject("policies");

describeWithOpa("policy eval and explain", () => {
  it("ask a case by id or name, on the compiled module and by OPA", async () => {
    const ask = askOfCase(shipped, "commands#9");
    expect(ask).toEqual(askOfCase(shipped, "without the role"));
    const told = await askPolicy(opa(), shipped, ask);
    expect(told).toMatchObject({ alike: true, answer: { allow: false, reason: "role_missing" } });
    expect(told.wasm).toEqual(told.opa);
  });

  it("say what the host denied before the policy", async () => {
    const facts = { ...askOfCase(shipped, "commands#1").facts, device: {} };
    const told = await askPolicy(opa(), shipped, { entrypoint: "command", facts });
    expect(told.answer).toMatchObject({ reason: "facts_invalid", detail: "device.id: missing" });
    expect(told.input).toBeUndefined();
  });

  it("ask entrypoints without a schema as they are, and refuse unknown ones", async () => {
    const told = await askPolicy(opa(), openProject(project()), { entrypoint: "system/log/mask", facts: {} });
    expect(told).toMatchObject({ answer: undefined, alike: true, wasm: ["/input/request/client_id"] });
    await expect(askPolicy(opa(), shipped, { entrypoint: "conect", facts: {} })).rejects.toThrow(
      /no entrypoint `conect`; there are connect, publish/,
    );
    expect(() => askOfCase(shipped, "commands#999")).toThrow(/no case `commands#999`/);
  });

  it("notice where the engines differ", async () => {
    const differing = rules.replace(
      "startswith(input.request.topic, data.site.prefix)",
      "base64.is_valid(input.request.topic)",
    );
    const dir = project({ "sallyport.rego": differing, "cases/first.yaml": cases.replace("t/m-1/x", "YQ") });
    const told = await askPolicy(opa(), openProject(dir), askOfCase(openProject(dir), "its own topic"));
    expect(told).toMatchObject({ alike: false, wasm: { allow: true }, opa: { allow: false } });
  });

  it("name the rule that gave the reason, and the statement below it that failed", async () => {
    const { input } = await askPolicy(opa(), shipped, askOfCase(shipped, "commands#9"));
    const { held, failed } = await tracePolicy(opa(), shipped, "command", input ?? {}, "role_missing");
    const giving = held.filter(({ gives }) => gives);
    expect(giving.map(({ file, text }) => `${file} ${text}`)).toEqual([
      'authz/actor.rego failing contains "role_missing" if {',
    ]);
    const below = failed.filter(({ askedBy }) => askedBy === `${giving[0]?.file}:${giving[0]?.row}`);
    expect(below.map(({ at }) => at.text)).toContain(
      "holds_role if data.site.command_roles[risk] in input.actor.roles",
    );
    expect(held[0]).toMatchObject({
      file: "sallyport.rego",
      depth: 0,
      text: "command := authz.command.decision",
    });
  });
});

describeWithOpa("policy inspect", () => {
  it("counts what there is and names the reasons that no case expects", async () => {
    const summary = await inspectProject(
      opa(),
      openProject(project({ "a_test.rego": "package a_test\n\ntest_a if true\n" })),
    );
    expect(summary).toMatchObject({
      tests: 1,
      roots: ["sallyport", "site", "system/log"],
      packages: [
        { name: "sallyport", files: ["sallyport.rego"] },
        { name: "system.log", rules: 1 },
      ],
      reasons: ["device_unknown", "ok", "operation_unknown", "topic_out_of_scope"],
      unreached: ["operation_unknown", "topic_out_of_scope"],
    });
    expect(summary.entrypoints.slice(0, 2)).toEqual([
      { name: "sallyport/connect", cases: 1 },
      { name: "sallyport/publish", cases: 1 },
    ]);
  });
});
