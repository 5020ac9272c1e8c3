import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { renderFuzzJunit } from "../../src/workbench/fuzz/fuzz-junit.ts";
import { type Counterexample, type FuzzReport, fuzzPolicy } from "../../src/workbench/fuzz/fuzz-policy.ts";
import { builtIn } from "../../src/workbench/fuzz/judge.ts";
import { openFuzz } from "../../src/workbench/fuzz/open-fuzz.ts";
import { createProject } from "../../src/workbench/new-project.ts";
import { openProject } from "../../src/workbench/project.ts";
import { describeWithOpa } from "../opa.ts";
import { opa, project, rules } from "./project.ts";

async function fuzz(dir: string, runs: number, seed = 1): Promise<FuzzReport> {
  return fuzzPolicy({ ...(await openFuzz(opa(), openProject(dir), undefined)), runs, seed });
}

function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-fuzz-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, "policy");
}

/** A copy of the shipped policies with one edit; what the edit replaces must be there. */
function shipped(file?: string, from = "", to = ""): string {
  const dir = scratch();
  cpSync("policies", dir, { recursive: true });
  if (file === undefined) return dir;
  const path = join(dir, file);
  const text = readFileSync(path, "utf8");
  expect(text.includes(from), `${file} holds ${from}`).toBe(true);
  writeFileSync(path, text.replace(from, to));
  return dir;
}

const sentences = ({ counterexamples }: FuzzReport): string[] =>
  counterexamples.map(({ invariant }) => invariant);

describeWithOpa("policy fuzz", () => {
  it("finds nothing in the shipped policies, and reaches allows and denials of every kind", async () => {
    const report = await fuzz(shipped(), 1500);
    expect(report.counterexamples).toEqual([]);
    expect(report.reasons).toBeGreaterThan(100);
    for (const kind of ["connect", "publish", "subscribe", "command", "ota"]) {
      expect(report.asked[kind]?.allowed, kind).toBeGreaterThan(1);
      expect(report.asked[kind]?.denied, kind).toBeGreaterThan(20);
    }
  }, 180_000);

  it.each([
    [
      "a device in quarantine by block is allowed anything of its own",
      "authz/lifecycle.rego",
      "\tflagged\n\tnot constrained\n",
      "\tflagged\n\tfalse\n",
    ],
    [
      "a quarantined device is allowed a command outside the recovery set",
      "data.yaml",
      "recovery.boot, decommission], session_s: 300, rate_class: quarantine",
      "recovery.boot, decommission, reboot], session_s: 300, rate_class: quarantine",
    ],
    [
      "a quarantined device is allowed a stream outside sec, mgmt and rec",
      "data.yaml",
      "quarantined: {connect: any, publish: [sec, mgmt, rec]",
      "quarantined: {connect: any, publish: [sec, mgmt, rec, ops]",
    ],
  ])(
    "finds that %s once %s is broken",
    async (sentence, file, from, to) => {
      const report = await fuzz(shipped(file, from, to), 1500);
      expect(sentences(report)).toContain(sentence);
      const found = report.counterexamples.find(({ invariant }) => invariant === sentence);
      expect(found?.allow).toBe(true);
      expect(found?.twists.length).toBeLessThan(4);
    },
    180_000,
  );

  it("finds nothing in a starter, and the gate that is missing in a broken one, with few changes", async () => {
    const [whole, broken] = [scratch(), scratch()];
    createProject(whole, "device_pki");
    expect(sentences(await fuzz(whole, 1000))).toEqual([]);
    createProject(broken, "device_pki");
    const path = join(broken, "authz/device.rego");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace("input.device.state.quarantine.active == false", "true"));
    const report = await fuzz(broken, 1000);
    const [found] = report.counterexamples as [Counterexample];
    expect(found).toMatchObject({
      invariant: "a quarantined device is allowed something",
      file: "invariants/first.rego",
      allow: true,
    });
    expect(found.row).toBeGreaterThan(3);
    expect(found.twists.length).toBeLessThan(3);
    // Its facts are whole: asked again they are answered the same.
    const { host } = await openFuzz(opa(), openProject(broken), undefined);
    expect(host.decide(found.ask, found.facts)).toMatchObject({ allow: true, reason: found.reason });
    const xml = renderFuzzJunit(report, [{ text: found.invariant, file: "f.rego", row: 4 }], 1);
    expect(xml).toContain('<testsuite name="invariants" tests="4" failures="1" skipped="0">');
    expect(xml).toMatch(
      /<failure message="connect of (\w+#\d+)">connect of \1\n(?:with .*\n)*answers ALLOW ok\nseed 1</,
    );
  }, 120_000);

  it("finds the fact whose absence opens", async () => {
    const open = rules.replace("is_object(input.device)", 'not input.request.client_id == "m-1"');
    const dir = project({ "sallyport.rego": open });
    const report = await fuzz(dir, 300);
    expect(report.counterexamples).toEqual([
      expect.objectContaining({
        invariant: builtIn.absent,
        change: { absent: "request.client_id" },
        ask: "connect",
        allow: false,
      }),
    ]);
  });

  it("finds a harm that opens, and an answer that is none", async () => {
    const invariants =
      'package invariants\n\nnever contains "x" if false\n\nharms.more := {"request": {"topic": "t/more"}}\n';
    const dir = project({
      "invariants/own.rego": invariants,
      "sallyport.rego": rules.replace(
        '{"allow": true, "reason": "ok", "findings": [], "obligations": {"session"',
        '{"allow": true, "reason": "fine", "findings": [], "obligations": {"session"',
      ),
    });
    const found = await fuzz(dir, 2000);
    expect(sentences(found).sort()).toEqual([builtIn.harm, builtIn.answer].sort());
    expect(found.counterexamples.find(({ invariant }) => invariant === builtIn.answer)?.detail).toMatch(
      /the reason `fine` is not in the vocabulary/,
    );
  });

  it("gives the same report for the same seed, another for another", async () => {
    const dir = project();
    const [one, two, other] = [await fuzz(dir, 200, 4), await fuzz(dir, 200, 4), await fuzz(dir, 200, 5)];
    expect(two).toEqual(one);
    expect(other.asked).not.toEqual(one.asked);
  });

  it("says what is missing in an invariants file, at its place", async () => {
    const dir = project({ "invariants/own.rego": "package invariants\n\nnver contains 1 if true\n" });
    await expect(fuzz(dir, 1)).rejects.toThrow(
      /invariants\/own\.rego:1:1: no rule `never` in `package invariants`; write/,
    );
    const broken = project({ "invariants/own.rego": "package invariants\n\nnever contains x if y\n" });
    await expect(fuzz(broken, 1)).rejects.toThrow(/invariants\/own\.rego:3:\d+: var \w is unsafe/);
  });

  it("has something to start from, or says so", async () => {
    const dir = project({ "cases/first.yaml": "cases: []\n" });
    await expect(fuzz(dir, 1)).rejects.toThrow(/there is no situation to start from/);
  });
});
