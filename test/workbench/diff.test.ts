import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readCases } from "../../src/workbench/cases.ts";
import { countLines } from "../../src/workbench/count-lines.ts";
import { diffFleet } from "../../src/workbench/diff-fleet.ts";
import { diffPolicies, type PolicyDiff } from "../../src/workbench/diff-policies.ts";
import {
  defaultQuestions,
  fleetSamples,
  readFleetRecords,
  type Sample,
} from "../../src/workbench/fleet-questions.ts";
import { readLogQuestions } from "../../src/workbench/log-questions.ts";
import { openPolicy } from "../../src/workbench/open-policy.ts";
import { openProject } from "../../src/workbench/project.ts";
import { describeWithOpa } from "../opa.ts";
import { project, rules } from "./project.ts";

const now = 1_770_000_000;

const samplesOf = (dir: string): Sample[] =>
  readCases(openProject(dir)).map(({ id, ask, facts }) => ({ from: id, ask, facts }));

async function diffOf(
  changed: Readonly<Record<string, string>>,
  samples?: Iterable<Sample>,
): Promise<PolicyDiff> {
  const [old, young] = [project(), project({ "cases/first.yaml": "cases: []\n", ...changed })];
  return diffPolicies(
    (await openPolicy(old)).host,
    (await openPolicy(young)).host,
    samples ?? samplesOf(old),
  );
}

describeWithOpa("policy diff", () => {
  it("finds nothing between a policy and itself", async () => {
    expect(await diffOf({})).toMatchObject({ asked: 2, changed: 0, groups: [] });
  });

  it("names what is newly denied, with the case it came from", async () => {
    const found = await diffOf({ "data.yaml": "site: {prefix: u/}\n" });
    expect(found).toMatchObject({ changed: 1, totals: { "newly denied": 1, "newly allowed": 0 } });
    expect(found.groups).toEqual([
      expect.objectContaining({
        ask: "publish",
        before: "ok",
        after: "topic_out_of_scope",
        example: "first#2",
      }),
    ]);
  });

  it("tells duties apart from answers", async () => {
    const told = rules.replace(
      '"reason": "device_unknown", "findings": []',
      '"reason": "device_unknown", "findings": ["device_unknown"]',
    );
    expect((await diffOf({ "sallyport.rego": told })).totals).toMatchObject({ "other duties": 1 });
  });

  it("asks for every device of a fleet, and groups by tenant and class", async () => {
    const fleet = await readFleetRecords("examples/quickstart/fleet.seed.ndjson", now);
    const few = { ...fleet, devices: fleet.devices.slice(0, 40) };
    const found = await diffOf(
      { "data.yaml": "site: {prefix: u/}\n" },
      fleetSamples(few, defaultQuestions, now),
    );
    expect(found).toMatchObject({ asked: 80, changed: 40 });
    expect(found.groups.reduce((sum, { count }) => sum + count, 0)).toBe(40);
    expect(found.groups[0]).toMatchObject({ tenant: "acme", class: "meter", change: "newly denied" });
  });

  it("over a fleet, gives in any number of threads what one thread gives, and counts as it goes", async () => {
    const [old, young] = [project(), project({ "data.yaml": "site: {prefix: u/}\n" })];
    const [before, after] = [await openPolicy(old), await openPolicy(young)];
    const path = join(project(), "fleet.ndjson");
    const lines = readFileSync("examples/quickstart/fleet.seed.ndjson", "utf8").split("\n");
    writeFileSync(path, `${lines.slice(0, 700).join("\n")}\nno record\n`);
    const comparison = {
      before: before.parts,
      after: after.parts,
      path,
      now,
      questions: defaultQuestions,
    };
    const counts: number[] = [];
    const [one, three] = [
      await diffFleet(comparison, undefined, 1),
      await diffFleet(comparison, (count) => counts.push(count), 3),
    ];
    expect(three).toEqual(one);
    expect(one.invalid).toBe(1);
    expect(one.diff).toMatchObject({ asked: 2 * one.devices, changed: one.devices });
    expect(counts.length).toBeGreaterThan(1);
    const fleet = await readFleetRecords(path, now);
    expect(diffPolicies(before.host, after.host, fleetSamples(fleet, defaultQuestions, now))).toEqual(
      one.diff,
    );
  }, 60_000);

  it("says where a fleet cannot be read, from its threads too", async () => {
    const { parts } = await openPolicy(project());
    const comparison = { before: parts, after: parts, path: "/nowhere", now, questions: defaultQuestions };
    await expect(diffFleet(comparison, undefined, 2)).rejects.toThrow(
      /the fleet file `\/nowhere` cannot be read/,
    );
    await expect(countLines("/nowhere")).rejects.toThrow(/the fleet file `\/nowhere` cannot be read/);
    expect(await countLines("examples/quickstart/fleet.seed.ndjson")).toBe(
      readFileSync("examples/quickstart/fleet.seed.ndjson", "utf8").split("\n").length - 1,
    );
  });

  it("asks what a log recorded, and counts what it did not record whole", async () => {
    const path = join(project(), "decisions.ndjson");
    const [, sample] = samplesOf(project());
    const event = { path: "sallyport/publish", input: sample?.facts };
    const lines = [
      event,
      { ...event, masked: ["/input/request/topic"] },
      { ...event, input: { request: {} } },
    ];
    writeFileSync(path, `${lines.map((line) => JSON.stringify(line)).join("\n")}\nnot json\n`);
    const { samples, skipped } = await readLogQuestions(path);
    expect([samples.length, skipped]).toEqual([1, 3]);
    expect((await diffOf({ "data.yaml": "site: {prefix: u/}\n" }, samples)).totals["newly denied"]).toBe(1);
  });
});
