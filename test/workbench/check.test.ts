import { expect, it } from "vitest";
import { withSite } from "../../policies/site.ts";
import { checkPolicy } from "../../src/workbench/check.ts";
import { openProject } from "../../src/workbench/project.ts";
import { describeWithOpa } from "../opa.ts";
import { cases, opa, project, rules } from "./project.ts";

/** Findings of a project with this Rego in `a.rego`, used by an entrypoint, as `row code`. */
async function check(body: string, files: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const usesTime = /\btime\.(?!now_ns)/.test(body);
  const text = `package sallyport.a\n\nimport data.sallyport.lib.time\n\n${body}`;
  const uses = `${rules}\nuses contains data.sallyport.a.x\n\nsubscribe_of := count(uses)\n`;
  const dir = project({
    "a.rego": usesTime ? text : text.replace("import data.sallyport.lib.time\n\n", ""),
    "sallyport.rego": uses.replace(
      "subscribe := denied",
      'subscribe := object.union(denied, {"n": subscribe_of})',
    ),
    ...(usesTime ? { "lib/time.rego": library } : {}),
    ...files,
  });
  const found = await checkPolicy(opa(), openProject(dir));
  // Not every test uses both rules of the library.
  const meant = found.filter(({ file }) => file !== "lib/time.rego");
  expect(meant.filter(({ fix }) => fix === undefined)).toEqual([]);
  return meant.map(({ file, row, code }) => `${file === "a.rego" ? "" : `${file}:`}${row} ${code}`);
}

const library = `package sallyport.lib.time

passed(fact) if input.now >= fact

lag := input.now - input.registry.watermark
`;

describeWithOpa("policy check", () => {
  it("has nothing to say of the shipped policies, nor of the smallest", async () => {
    expect(await checkPolicy(opa(), openProject("policies"))).toEqual([]);
    expect(await check("x := 1\n")).toEqual([]);
  }, 60_000);

  it("nor of the railway, whose data is its own", async () => {
    const found = await withSite("policies", "examples/rail", (dir) => checkPolicy(opa(), openProject(dir)));
    expect(found).toEqual([]);
  }, 60_000);

  it.each<[code: string, wrong: string, row: number, right: string]>([
    ["type-error", "x if input.device.firmwre.key > 1\n", 3, "x if input.device.firmware.key > 1\n"],
    ["type-error", 'x if input.now == "late"\n', 3, "x if input.registry.watermark == 3\n"],
    [
      "unknown-fact",
      'x if input.device.credentials["a"].stats == "active"\n',
      3,
      'x if input.device.credentials["a"].status == "active"\n',
    ],
    ["clock-read", "x if input.now > 5\n", 3, "x if input.registry.watermark > 5\n"],
    ["clock-read", "x := time.now_ns()\n", 3, "x := 1\n"],
    [
      "clock-read",
      'x := io.jwt.decode_verify(input.request.topic, {"secret": "s"})\n',
      3,
      'x := io.jwt.decode_verify(input.request.topic, {"secret": "s", "time": input.registry.watermark})\n',
    ],
    [
      "clock-read",
      "x := crypto.x509.parse_and_verify_certificates(input.request.topic)\n",
      3,
      'x := crypto.x509.parse_and_verify_certificates_with_options(input.request.topic, {"CurrentTime": 5})\n',
    ],
    [
      "clock-read",
      'x := crypto.x509.parse_and_verify_certificates_with_options(input.request.topic, {"DNSName": "a"})\n',
      3,
      "x := crypto.x509.parse_certificates(input.request.topic)\n",
    ],
    [
      "negated-call",
      'x if not startswith(input.request.via, "m")\n',
      3,
      'x if {\n\tis_string(input.request.via)\n\tnot startswith(input.request.via, "m")\n}\n',
    ],
    [
      "negated-call",
      'x if not input.device.model in {"a"}\n',
      3,
      'x if {\n\tis_string(input.device.model)\n\tnot input.device.model in {"a"}\n}\n',
    ],
    [
      "negated-call",
      "x if not input.device.firmware.key in input.fw_policy.blocked\n",
      3,
      "x if {\n\tinput.device.firmware.key - 1 >= 0\n\tnot input.device.firmware.key in input.fw_policy.blocked\n}\n",
    ],
    // The operands of a call are taken out of a `not`: nothing is true of what is absent.
    [
      "negated-fact",
      'x if not input.device.class == "meter"\n',
      3,
      'x if not startswith(input.device.class, "meter")\n',
    ],
    [
      "negated-fact",
      "x if not input.tenant.admission.over_quota\n",
      3,
      "x if input.tenant.admission.over_quota == false\n",
    ],
    [
      "absent-opens",
      'x contains "support_ended" if input.device.support.eol_at < 5\n',
      3,
      'x contains "support_ended" if not supported\n\nsupported if input.device.support.eol_at >= 5\n',
    ],
    [
      "absent-opens",
      'x contains "device_retired" if input.device.state.lifecycle != "active"\n',
      3,
      'x contains "device_retired" if {\n\tis_object(input.device)\n\tinput.device.state.lifecycle != "active"\n}\n',
    ],
    [
      "absent-opens",
      'x contains "credential_expired" if not startswith(input.credential.type, "x")\n',
      3,
      'x contains "credential_expired" if not sound\n\nsound if startswith(input.credential.type, "x")\n',
    ],
    ["unreachable-rule", "x := 1\n\ny := 2\n", 5, "x := y\n\ny := 2\n"],
    ["unreachable-else", "x := 1 if true\n\nelse := 2\n", 5, "x := 1 if input.now\n\nelse := 2\n"],
    [
      "unknown-reason",
      'x := {"allow": false, "reason": "no_way"}\n',
      3,
      'x := {"allow": false, "reason": "device_unknown"}\n',
    ],
    ["unreachable-body", "x if false\n", 3, "x if input.now\n"],
    ["unreachable-body", 'x if {\n\tinput.now\n\t"a" == "b"\n}\n', 5, 'x if "a" == "a"\n'],
    [
      "unreachable-body",
      'x if {\n\tinput.request.env == "prod"\n\t"lab" == input.request.env\n}\n',
      5,
      'x if {\n\tinput.request.env == "prod"\n\tnot input.request.env == "lab"\n}\n',
    ],
    ["unknown-reason", 'x contains "topic_invalit"\n', 3, 'x contains "topic_invalid"\n'],
    [
      "unknown-reason",
      'x := {"reason": "ok", "findings": ["late"]}\n',
      3,
      'x := {"reason": "ok", "findings": ["ok_eol"]}\n',
    ],
    ["uncut-time", "x if time.passed(input.device.support.eol_at)\n", 5, "x if time.passed(5)\n"],
    [
      "uncut-time",
      "x if {\n\tsome s in input.device.state.signals\n\ttime.passed(s.expires_at)\n}\n",
      7,
      "x if time.passed(5)\n",
    ],
    ["uncut-time", "x if time.lag > 5\n", 5, "x if time.passed(5)\n"],
    ["dead-topic", 'x if input.request.topic == "a/+/b"\n', 3, 'x if input.request.topic == "a/b"\n'],
    [
      "dead-topic",
      'x if startswith(input.request.topic, "a/#")\n',
      3,
      'x if startswith(input.request.topic, "a/")\n',
    ],
    [
      "dead-topic",
      'x if topics.matches("a/#/b", input.request.topic)\n\ntopics.matches(_, _) := true\n',
      3,
      'x if topics.matches("a/b/#", input.request.topic)\n\ntopics.matches(_, _) := true\n',
    ],
  ])("%s: `%s`", async (code, wrong, row, right) => {
    // Reading a clock by way of the library's own name is what two of them are about.
    const found = await check(wrong);
    expect(found.filter((each) => each.endsWith(code))).toContain(`${row} ${code}`);
    expect((await check(right)).filter((each) => each.endsWith(code))).toEqual([]);
  });

  it("takes a comparison that the cuts list", async () => {
    const listed = rules.replace(
      'kind: {"time": [], "lag": []}',
      'kind: {"time": [{"fact": "device.state.signals.*.expires_at", "at": [0]}], "lag": [6]}',
    );
    const uses = `${listed}\nuses contains data.sallyport.a.x\n`.replace(
      "subscribe := denied",
      'subscribe := object.union(denied, {"n": uses})',
    );
    const body =
      "x if {\n\tsome s in input.device.state.signals\n\ttime.passed(s.expires_at)\n\ttime.lag > 5\n}\n";
    expect(await check(body, { "sallyport.rego": uses })).toEqual([]);
  });

  it("judges data: codes among codes, and templates that nothing matches", async () => {
    expect(
      await check("x := 1\n", {
        "data.yaml": `site:
  prefix: t/
  order: [device_unknown, topic_invalid, facts_stale, devise_retired]
  on_deny: {device_unknown: {}, topic_invalid: {}, facts_stail: {}}
  topics:
    own: "t/{tenant}/d{device}/"
    good: "t/{tenant}/{device}/#"
    all: "t/#/x"
`,
      }),
    ).toEqual([
      "data.yaml:3 unknown-reason",
      "data.yaml:4 unknown-reason",
      "data.yaml:6 dead-topic",
      "data.yaml:8 dead-topic",
    ]);
  });

  it("judges a site's templates by its variables", async () => {
    expect(
      await check("x := 1\n", {
        "data.yaml": `site:
  prefix: t/
  variables: {side: {values: [a, b]}, code: {pattern: "[0-9]+"}, none: {values: []}}
  topics:
    publish:
      - {topic: "r/{stream}/{tenant}/{s:side}/{c:code}/#"}
      - {topic: "r/{tenant}/{device}", stream: tele}
      - {topic: "r/{tenant}/{device}"}
      - {topic: "r/{stream}/{x:nothing}"}
      - {topic: "r/{stream}/{side}"}
      - {topic: "r/{stream}/{n:none}"}
`,
      }),
    ).toEqual([
      "data.yaml:8 dead-topic",
      "data.yaml:9 dead-topic",
      "data.yaml:10 dead-topic",
      "data.yaml:11 dead-topic",
    ]);
  });

  it("takes back what is ignored for a reason, and says where that is no use", async () => {
    const wrong = "x if input.now > 5";
    expect(await check(`${wrong} # sallyport:ignore clock-read because\n`)).toEqual([]);
    expect(await check(`# sallyport:ignore clock-read because\n# of that\n${wrong}\n`)).toEqual([]);
    expect(await check(`${wrong} # sallyport:ignore clock-read\n`)).toEqual(["3 ignore-without-reason"]);
    expect(await check("x := 1 # sallyport:ignore clock-read because\n")).toEqual(["3 unused-ignore"]);
    expect(await check(`${wrong} # sallyport:ignore negated-call because\n`)).toEqual([
      "3 clock-read",
      "3 unused-ignore",
    ]);
  });

  it("tells what does not compile, in tests too, and wrong tables", async () => {
    expect(await check("x := y\n")).toEqual(["3 unsafe-var-error"]);
    expect(await check("x := 1\n", { "a_test.rego": "package a_test\n\ntest_x if y\n" })).toEqual([
      "a_test.rego:3 unsafe-var-error",
    ]);
    expect(
      await check("x := 1\n", { "cases/first.yaml": cases.replace("answer: ok}", "answer: okay}") }),
    ).toEqual(["cases/first.yaml:11 case-file"]);
  });

  it("gives every finding of its own a remedy", async () => {
    const dir = project({
      "a.rego": 'package a\n\nx contains "device_retired" if input.device.support.eol_at < input.now\n',
    });
    const found = await checkPolicy(opa(), openProject(dir));
    expect(found.map(({ code }) => code).sort()).toEqual(["absent-opens", "clock-read", "unreachable-rule"]);
    expect(found.filter(({ fix }) => fix === undefined)).toEqual([]);
  });
});
