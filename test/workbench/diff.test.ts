import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readCases } from "../../src/workbench/cases.ts";
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
