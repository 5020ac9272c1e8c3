import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createProject } from "../../src/workbench/new-project.ts";
import { describeWithOpa, findOpa } from "../opa.ts";
import { entry, plain, sallyport } from "./run.ts";

// Each test starts processes, which take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), "sallyport-policy-"));
  createProject(path.join(dir, "good"), "device_pki");
  createProject(path.join(dir, "bad"), "device_pki");
  const rego = path.join(dir, "bad", "authz", "device.rego");
  writeFileSync(rego, `${readFileSync(rego, "utf8")}\nlate if input.now > 5\n`);
  createProject(path.join(dir, "broken"), "device_pki");
  writeFileSync(path.join(dir, "broken", "more.rego"), "package sallyport.more\n\nx := y\n");
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** As findOpa may be more than one word, a file that runs it. */
const env = (): Readonly<Record<string, string>> => {
  const [program = "", ...more] = findOpa() ?? [];
  return more.length === 0 ? { OPA: program } : {};
};
const policy = (...args: string[]): ReturnType<typeof sallyport> =>
  sallyport(["policy", ...args], { env: env() });
const at = (name: string): string => path.join(dir, name);

describeWithOpa("sallyport policy", () => {
  it("check: 0 without findings, 2 with them, each with its place", async () => {
    const junit = [at("good.xml"), at("bad.xml")] as const;
    const [good, bad, json] = await Promise.all([
      policy("check", at("good"), "--junit", junit[0]),
      policy("check", at("bad"), "--junit", junit[1]),
      policy("check", at("bad"), "--json"),
    ]);
    expect(good).toEqual({ code: 0, stdout: "nothing to object\n", stderr: "" });
    expect(bad.code).toBe(2);
    expect(bad.stdout).toMatch(
      /bad\/authz\/device\.rego:\d+:\d+: `input\.now` is read outside lib\/time.*\[clock-read\]\n {4}\S/,
    );
    expect(JSON.parse(json.stdout)).toMatchObject({
      findings: [{ code: "unreachable-rule" }, { code: "clock-read" }],
    });
    const [fine, poor] = junit.map((file) => readFileSync(file, "utf8"));
    expect(fine).toMatch(/<testsuite name="check" tests="1" failures="0"/);
    expect(poor).toMatch(/<testsuite name="check" tests="2" failures="2"/);
    expect(poor).toMatch(
      /name="clock-read authz\/device\.rego:(\d+)" file="authz\/device\.rego" line="\1".*<failure message="authz/,
    );
  });

  it("build and test: 1 where the Rego does not compile, with file and line", async () => {
    const runs = await Promise.all([
      policy("build", at("broken")),
      policy("test", at("broken")),
      policy("build", at("broken"), "--json"),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([1, 1, 1]);
    expect(runs[0].stderr).toMatch(/broken\/more\.rego:3:\d+: var y is unsafe \[unsafe-var-error\]\n/);
    expect(JSON.parse(runs[2].stdout)).toMatchObject({ findings: [{ file: "more.rego", row: 3 }] });
  });

  it("test: 0 or 2, JUnit and JSON, threshold", async () => {
    const junit = at("report.xml");
    const [good, strict, some] = await Promise.all([
      policy("test", at("good"), "--junit", junit, "--json"),
      policy("test", at("good"), "--threshold", "100"),
      policy("test", at("good"), "--only", "quarantine"),
    ]);
    expect(good.code).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({ passed: true, threshold: 85, differs: [] });
    expect(readFileSync(junit, "utf8")).toMatch(/<testsuite name="cases" tests="\d+" failures="0"/);
    expect(strict).toMatchObject({ code: 2 });
    expect(strict.stdout).toMatch(/coverage {5}[\d.]+ %, needed 100 %\nFAILED/);
    expect(some.stdout).toMatch(/cases +1 passed, 0 failed\n/);
  });

  it("build: writes the bundle that bundle inspect reads, and counts up only for changes", async () => {
    const first = await policy("build", at("good"), "--json");
    const again = await policy("build", at("good"), "--json");
    const [one, two] = [first, again].map(
      ({ stdout }) => JSON.parse(stdout) as { digest: string; sequence: number; file: string },
    );
    expect(two).toEqual(one);
    expect(one?.sequence).toBe(1);
    const inspected = await sallyport(["bundle", "inspect", one?.file ?? "", "--json"]);
    expect(JSON.parse(inspected.stdout)).toMatchObject({ digest: one?.digest, sequence: 1, contract: 1 });
  });

  it("build: 1 where a case fails, at its row, and nothing is written", async () => {
    createProject(at("failing"), "device_pki");
    const data = path.join(at("failing"), "data.yaml");
    writeFileSync(data, readFileSync(data, "utf8").replace("session_ttl_s: 86400", "session_ttl_s: 60"));
    const built = await policy("build", at("failing"));
    expect(built).toMatchObject({ code: 1, stdout: "" });
    expect(built.stderr).toMatch(
      /failing\/cases\/first\.yaml:4:1: a healthy device: obligations\.session_ttl_s: expected 86400, got 60 \[case-failed\]/,
    );
    expect(existsSync(path.join(at("failing"), "dist"))).toBe(false);
  });

  it("build --watch: builds after each change, says what is wrong and goes on", async () => {
    createProject(at("watched"), "device_pki");
    const data = path.join(at("watched"), "data.yaml");
    const text = readFileSync(data, "utf8");
    const child = spawn(process.execPath, [...entry, "policy", "build", at("watched"), "--watch"], {
      env: { ...plain, ...env() },
    });
    let told = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (part: Buffer) => (told += part.toString()));
    const ended = new Promise((resolve) => child.once("close", resolve));
    try {
      await vi.waitFor(() => expect(told).toMatch(/sequence 1\n(?:.*\n)+.*took/), 30_000);
      writeFileSync(data, text.replace("command_ttl_s: 300", "command_ttl_s: 301"));
      await vi.waitFor(() => expect(told).toMatch(/sequence 2\n(?:.*\n)+.*took/), 30_000);
      writeFileSync(data, "site: [\n");
      await vi.waitFor(() => expect(told).toMatch(/data\.yaml:\d+:\d+: this is no YAML/), 30_000);
      writeFileSync(data, text);
      await vi.waitFor(() => expect(told).toMatch(/sequence 3\n(?:.*\n)+.*took/), 30_000);
    } finally {
      child.kill("SIGINT");
    }
    expect(await ended).toBe(0);
  });

  it("fmt: 2 where --check finds something to do, and does it without", async () => {
    writeFileSync(path.join(at("broken"), "more.rego"), "package sallyport.more\nx  :=  1\n");
    expect(await policy("fmt", at("broken"), "--check")).toMatchObject({ code: 2 });
    const written = await policy("fmt", at("broken"));
    expect(written.code).toBe(0);
    expect(written.stdout).toMatch(/formatted .*more\.rego\n12 files/);
  });

  it("fuzz: 0 where nothing is found, 2 with a counterexample, JUnit and JSON, the seed replays it", async () => {
    createProject(at("open"), "device_pki");
    const rego = path.join(at("open"), "authz", "device.rego");
    const text = readFileSync(rego, "utf8");
    writeFileSync(rego, text.replace("input.device.state.quarantine.active == false", "true"));
    const junit = at("fuzz.xml");
    const few = ["--runs", "200", "--seed", "3"];
    const [good, open, json] = await Promise.all([
      policy("fuzz", at("good"), ...few),
      policy("fuzz", at("open"), ...few, "--junit", junit),
      policy("fuzz", at("open"), ...few, "--json"),
    ]);
    expect(good.code).toBe(0);
    expect(good.stdout).toMatch(/seed +3\n(?:.*\n)+nothing found in [\d.]+ s\n$/);
    expect(open.code).toBe(2);
    expect(open.stdout).toMatch(
      /^VIOLATED .*open\/invariants\/first\.rego:\d+ a quarantined device is allowed something\n {4}connect of first#\d+\n/,
    );
    expect(readFileSync(junit, "utf8")).toMatch(/<testsuite name="invariants" tests="5" failures="1"/);
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({
      passed: false,
      seed: 3,
      counterexamples: [{ allow: true, reason: "ok", facts: { device: { id: "m-1" } } }],
    });
  });

  it("eval, explain and inspect answer", async () => {
    const [evaluated, explained, inspected, missing] = await Promise.all([
      policy("eval", at("good"), "--case", "quarantine", "--json"),
      policy("explain", at("good"), "--case", "quarantine", "--all"),
      policy("inspect", at("good")),
      policy("eval", at("good")),
    ]);
    expect(JSON.parse(evaluated.stdout)).toMatchObject({
      allow: false,
      reason: "device_quarantined",
      alike: true,
    });
    expect(explained.stdout).toMatch(/^DENY {3}device_quarantined {2}connect\n/);
    expect(explained.stdout).toMatch(
      /gives the reason\n.*device\.rego:\d+ +failing contains "device_quarantined" if not in_use\n +.*device\.rego:\d+ +fails in its rule: input\.device\.state\.quarantine\.active == false\n/,
    );
    expect(inspected.stdout).toMatch(/Rego tests +7\n/);
    expect(missing).toMatchObject({ code: 1, stdout: "" });
    expect(missing.stderr).toMatch(/say what to ask: `--case ID`/);
  });

  it("eval takes facts from a file, and says where a file is no YAML", async () => {
    const facts = at("facts.yaml");
    writeFileSync(facts, "now: 1\nregistry: {synced: true\n");
    const broken = await policy("eval", at("good"), "--ask", "connect", "--input", facts);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/facts\.yaml:\d+:\d+: this is no YAML/);
    writeFileSync(facts, "now: 1\nregistry: {synced: true, watermark: 1}\nrequest: {env: prod}\n");
    const short = await policy("eval", at("good"), "--ask", "connect", "--input", facts);
    expect(short.stdout).toMatch(
      /DENY {3}bad_request {2}connect\n {2}because +the host, before the policy: request\.\w+: missing/,
    );
  });
});

it("without OPA says how to get it", async () => {
  const nowhere = { PATH: path.dirname(process.execPath), OPA: "" };
  const run = await sallyport(["policy", "check", at("good")], { env: nowhere });
  if (run.code === 0) return; // Node's own folder holds OPA or Go
  expect(run).toMatchObject({ code: 1, stdout: "" });
  expect(run.stderr).toMatch(/OPA is needed here and is not found: set `OPA`/);
  const wrong = await sallyport(["policy", "check", at("good")], { env: { OPA: "/nowhere/opa" } });
  expect(wrong.stderr).toMatch(/`\$OPA` is `\/nowhere\/opa`, which does not run as OPA/);
});
