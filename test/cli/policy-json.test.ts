import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createProject } from "../../src/workbench/new-project.ts";
import { describeWithOpa, findOpa } from "../opa.ts";
import { type Ended, sallyport } from "./run.ts";

// Each test starts processes, which take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let dir: string;
let project: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), "sallyport-json-"));
  project = path.join(dir, "policy");
  createProject(project, "device_pki");
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const policy = (...args: string[]): Promise<Ended> => {
  const [program = "", ...more] = findOpa() ?? [];
  return sallyport(["policy", ...args], { env: more.length === 0 ? { OPA: program } : {} });
};

/** Arguments of each subcommand beside `--json`, and what its JSON says. */
const calls: Readonly<Record<string, readonly [args: () => string[], said: object]>> = {
  new: [
    () => [path.join(dir, "made")],
    { model: "device_pki", files: expect.arrayContaining(["sallyport.rego"]) },
  ],
  check: [() => [project], { findings: [] }],
  fmt: [() => [project, "--check"], { changed: [], refused: [], total: expect.any(Number) }],
  test: [() => [project], { passed: true, differs: [] }],
  eval: [() => [project, "--case", "first#1"], { allow: true, reason: "ok", alike: true }],
  explain: [() => [project, "--case", "first#1"], { allow: true, reason: "ok" }],
  inspect: [() => [project], { roots: ["sallyport", "site", "system/log"] }],
  fuzz: [() => [project, "--runs", "20", "--seed", "1"], { passed: true, seed: 1, runs: 20 }],
  bench: [() => [project, "--seconds", "0.02", "--rules", "1"], { refused: 0, rules: [expect.any(Object)] }],
  diff: [() => [project, project], { changed: 0, groups: [] }],
  build: [() => [project, "--output", path.join(dir, "bundle.tar.gz")], { sequence: 1 }],
};

it("every subcommand of policy has --json, and is asked for it below", async () => {
  const { stdout } = await sallyport(["policy", "--help"]);
  const listed = stdout.slice(stdout.indexOf("Commands:")).matchAll(/^ {2}([a-z]+) /gm);
  const names = [...listed].map(([, name]) => name).filter((name) => name !== "help");
  expect(names.sort()).toEqual(Object.keys(calls).sort());
});

describeWithOpa("sallyport policy ... --json", () => {
  it.each(Object.entries(calls))(
    "%s says one line of JSON, and nothing else",
    async (name, [args, said]) => {
      const { code, stdout, stderr } = await policy(name, ...args(), "--json");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout.endsWith("\n") && stdout.trimEnd().split("\n").length).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject(said);
    },
    60_000,
  );

  it("a project that cannot be used is said in JSON by each that reads one", async () => {
    const broken = path.join(dir, "broken");
    createProject(broken, "device_pki");
    rmSync(path.join(broken, "sallyport.rego"));
    const names = ["check", "test", "build", "bench", "fuzz"];
    const runs = await Promise.all(names.map((name) => policy(name, broken, "--json")));
    for (const [at, { code, stdout }] of runs.entries()) {
      expect(code, names[at]).toBe(names[at] === "check" ? 2 : 1);
      const { findings } = JSON.parse(stdout) as { readonly findings: readonly object[] };
      const missing = { code: "entrypoint-missing", fix: expect.stringContaining("in `package sallyport`") };
      expect(findings, names[at]).toContainEqual(expect.objectContaining(missing));
    }
  });
});
