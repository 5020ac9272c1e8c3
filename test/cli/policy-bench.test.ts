import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
  dir = mkdtempSync(path.join(tmpdir(), "sallyport-bench-"));
  project = path.join(dir, "policy");
  createProject(project, "device_pki");
  const file = path.join(project, "authz", "device.rego");
  const text = readFileSync(file, "utf8");
  expect(text).toContain("in_use if {\n");
  const busy = "\tcount([n | some n in numbers.range(1, 3000); n % 7 == 0]) > 0\n";
  writeFileSync(file, text.replace("in_use if {\n", `$&${busy}`));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const bench = (...args: string[]): Promise<Ended> => {
  const [program = "", ...more] = findOpa() ?? [];
  const env: Record<string, string> = more.length === 0 ? { OPA: program } : {};
  return sallyport(["policy", "bench", project, ...args], { env });
};

interface Told {
  readonly entrypoints: readonly Readonly<Record<string, unknown>>[];
  readonly refused: number;
  readonly rules: readonly { readonly file: string; readonly row: number; readonly text: string }[];
}

describeWithOpa("sallyport policy bench", () => {
  it("prints each entrypoint with its times, and the hottest rules with file and line", async () => {
    const { code, stdout, stderr } = await bench("--seconds", "0.02", "--rules", "3");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [head = "", ...rows] = stdout.split("\n");
    expect(head.split(/ {2,}/)).toEqual([
      "entrypoint",
      "p50 us",
      "p99 us",
      "empty p50",
      "ratio",
      "inputs",
      "bytes",
      "evaluations",
    ]);
    for (const [at, kind] of ["command", "connect", "grants", "publish", "subscribe"].entries())
      expect(rows[at]).toMatch(new RegExp(`^${kind} +[\\d.]+ +[\\d.]+ +[\\d.]+ +[\\d.]+ +\\d+ +\\d+ +\\d+$`));
    const hot = rows.slice(rows.findIndex((row) => row.startsWith("hottest rules")) + 1).filter(Boolean);
    expect(hot).toHaveLength(3);
    // The rule made busy above leads, where its file says it.
    const [, file = "", row = "", text = ""] = /^ +[\d.]+ % +(\S+):(\d+) +(.*)$/.exec(hot[0] ?? "") ?? [];
    expect(file).toMatch(/policy\/authz\/device\.rego$/);
    expect(text).toMatch(/^in_use if /);
    expect(readFileSync(file, "utf8").split("\n")[Number(row) - 1]).toBe(text);
  });

  it("--json says the same as one line of JSON", async () => {
    const { code, stdout } = await bench("--seconds", "0.02", "--rules", "2", "--json");
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    const { entrypoints, refused, rules } = JSON.parse(stdout) as Told;
    expect(Object.keys(entrypoints[0] ?? {})).toEqual([
      "ask",
      "inputs",
      "inputBytes",
      "evaluations",
      "p50Us",
      "p99Us",
      "emptyP50Us",
      "ratio",
    ]);
    expect(entrypoints.map(({ ask }) => ask)).toEqual([
      "command",
      "connect",
      "grants",
      "publish",
      "subscribe",
    ]);
    expect(refused).toBe(0);
    expect(rules).toHaveLength(2);
    expect(rules[0]).toMatchObject({ file: "authz/device.rego", evaluated: expect.any(Number) });
    expect(Object.keys(rules[0] ?? {}).sort()).toEqual(["evaluated", "file", "row", "share", "text"]);
  });

  it("asks one entrypoint, of generated situations too, and counts what the host refuses", async () => {
    const flags = ["--ask", "connect", "--seconds", "0.02", "--rules", "0", "--json"];
    const [few, many] = await Promise.all([
      bench(...flags),
      bench(...flags, "--generate", "60", "--seed", "4"),
    ]);
    const [one, more] = [few, many].map(({ stdout }) => JSON.parse(stdout) as Told);
    expect(one?.entrypoints.map(({ ask }) => ask)).toEqual(["connect"]);
    expect(one?.rules).toEqual([]);
    const asked = (told: Told | undefined): number =>
      Number(told?.entrypoints[0]?.["inputs"]) + (told?.refused ?? 0);
    expect(asked(more)).toBeGreaterThan(asked(one));
  });

  it.each<[said: RegExp, ...args: string[]]>([
    [/option `--seconds <s>` argument `0` is invalid\. give seconds, as 0\.5/, "--seconds", "0"],
    [/option `--rules <n>` argument `x` is invalid\. give a whole number/, "--rules", "x"],
    [/nothing asks `nonsense` here: give `--ask` one of command, connect, /, "--ask", "nonsense"],
    [/say what to ask with `--input`: give `--ask ENTRYPOINT`/, "--input", "facts.yaml"],
    [/cannot read `\/nowhere\.yaml` of `--input`/, "--ask", "connect", "--input", "/nowhere.yaml"],
    [/the fleet file `\/nowhere` cannot be read/, "--fleet", "/nowhere"],
    [/unknown option `--nothing`/, "--nothing"],
  ])("says %s", async (said, ...args) => {
    const { code, stdout, stderr } = await bench(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(said);
  });
});

it("a folder that is not there is said", async () => {
  const run = await sallyport(["policy", "bench", path.join(dir, "nowhere")], {
    env: { OPA: findOpa()?.[0] ?? "" },
  });
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(
    /there is no folder `.*nowhere`; give the folder of the policy|OPA is needed here/,
  );
});
