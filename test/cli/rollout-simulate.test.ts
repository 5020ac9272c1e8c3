import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, sallyport } from "./run.ts";

const fleet = "examples/quickstart/fleet.seed.ndjson";
const plan = "examples/quickstart/campaign/plan.ndjson";
const scenario = "examples/quickstart/campaign/scenario.yaml";
const start = "2026-03-02T12:00:00Z";

const simulate = (...args: readonly string[]): Promise<Ended> =>
  sallyport(["rollout", "simulate", "meter-2.5.0", "--from", start, ...args]);

describe("sallyport rollout simulate", { timeout: 120_000 }, () => {
  let dir: string;
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "sallyport-simulate-"));
    // Few devices are enough where one looks at words.
    const lines = readFileSync(fleet, "utf8").split("\n");
    file(
      "small.ndjson",
      lines.filter((line, i) => i < 200 || /^.{9}r(?:elease|ollout)"/.test(line)).join("\n"),
    );
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it("plays the example's campaign through: a canary that fails, a person who resumes, broad in the end", async () => {
    const { code, stdout } = await simulate(
      "--fleet",
      fleet,
      "--plan",
      plan,
      "--scenario",
      scenario,
      "--json",
    );
    // Some devices are never ready: they wait at the end.
    expect(code).toBe(2);
    const told = JSON.parse(stdout);
    const { events, from, rings } = told;
    const at = (word: string): number =>
      (events.find(({ what }: { what: string }) => what.startsWith(word))?.at - from) / 3600;
    expect(at("paused by sallyport: canary: crash_free_ppm is 991200")).toBe(60);
    expect(at("resumed by a person")).toBe(80);
    expect(told.state).toBe("running");
    const firsts = rings.map(({ installs }: { installs: number[] }) => ((installs[0] ?? 0) - from) / 3600);
    expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
    for (const { devices, installs, name } of rings) {
      expect(installs.length, name).toBeGreaterThan(devices / 3);
      const stopped = installs.filter((each: number) => each > from + 61 * 3600 && each < from + 80 * 3600);
      expect(stopped, name).toEqual([]);
    }
    expect(told.devices).toHaveLength(
      rings.reduce((sum: number, ring: { devices: number }) => sum + ring.devices, 0),
    );
    expect(told.invalid).toEqual([]);
  });

  it("shows a table, bars and, on demand, every device", async () => {
    const small = ["--fleet", join(dir, "small.ndjson"), "--plan", plan, "--for", "2d"];
    const { stdout } = await simulate(...small, "--devices");
    expect(stdout).toMatch(/^meter-2\.5\.0 {2}meter-2\.5\.0-wave-2 {2}running after 2 d\n/);
    expect(stdout).toMatch(/^ring +devices +had it +installed +first +half +last/m);
    expect(stdout).toMatch(/^\+2 d +#+\.* +\d+ % +\.{20} +0 %/m);
    expect(stdout).toMatch(/^canary .* ota_gate_insufficient_data/m);
    expect(stdout).toMatch(/^\+\S.* internal +meter-\d+$/m);
  });

  it("refuses a scenario that does not fit, with its place or its ring", async () => {
    const against = async (text: string): Promise<Ended> =>
      simulate("--fleet", join(dir, "small.ndjson"), "--scenario", file("s.yaml", text));
    expect(await against("events:\n  - {at: 1d, pauze: x}\n")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/s\.yaml:2:\d+: .*unknown field `pauze`/),
    });
    expect((await against("events: [{at: 1d, open: narrow}]")).stderr).toContain("there is no ring `narrow`");
    expect((await against("events: [{at: tomorrow, pause: x}]")).stderr).toContain(
      "`tomorrow`, which is no span",
    );
    expect((await against("events: [{at: 1h, open: broad, percent_bp: 10001}]")).stderr).toMatch(
      /the rollout would not be taken: `rings\.3\.percent_bp`/,
    );
    expect((await against("health: {canary: {crash_free_ppm: 1000001}}")).stderr).toContain("<= 1000000");
  });

  it("refuses a plan that no registry would take, and what is not there", async () => {
    const bad = readFileSync(plan, "utf8").replace('"percent_bp":2500', '"percent_bp":25000');
    const impossible = await simulate("--fleet", fleet, "--plan", file("plan.ndjson", bad));
    expect(impossible.code).toBe(1);
    expect(impossible.stderr).toMatch(/no valid rollout:meter-2\.5\.0-wave-2 \(.*`rings\.2\.percent_bp`/);
    const small = join(dir, "small.ndjson");
    const unknown = await sallyport(["rollout", "simulate", "meter-9", "--fleet", small]);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("no valid release:meter-9") });
    expect((await simulate("--fleet", join(dir, "none"))).stderr).toContain("cannot be read");
    expect((await simulate("--fleet", small, "--for", "900d")).stderr).toContain("`--for` is at most 366 d");
    expect((await simulate("--fleet", small, "--bundle", fleet)).code).toBe(1);
  });
});
