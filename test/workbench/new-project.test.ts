import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { buildBundle } from "../../src/workbench/build.ts";
import { checkPolicy } from "../../src/workbench/check.ts";
import { formatProject } from "../../src/workbench/format-project.ts";
import { createProject, modelNames } from "../../src/workbench/new-project.ts";
import { openProject } from "../../src/workbench/project.ts";
import { hasPassed, testPolicy } from "../../src/workbench/test-policy.ts";
import { describeWithOpa } from "../opa.ts";
import { opa } from "./project.ts";

function folder(): string {
  const dir = mkdtempSync(path.join(tmpdir(), "sallyport-new-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return path.join(dir, "policy");
}

describeWithOpa("policy new", () => {
  it.each(modelNames())(
    "starts a project for %s that has no findings, passes its tests and builds",
    async (model) => {
      const dir = folder();
      createProject(dir, model);
      const project = openProject(dir);
      expect(await checkPolicy(opa(), project)).toEqual([]);
      expect(await formatProject(opa(), dir, false)).toMatchObject({ changed: [], refused: [] });
      const report = await testPolicy(opa(), project, { coverage: true });
      expect(report.cases.filter(({ differences }) => differences.length > 0)).toEqual([]);
      expect(hasPassed(report)).toBe(true);
      expect(report.coverage?.percent).toBeGreaterThanOrEqual(project.settings.coverage ?? 100);
      expect((await buildBundle(opa(), project, 1)).bundle.sequence).toBe(1);
    },
    60_000,
  );
});

it("refuses a folder with something in it, and a model that there is not", () => {
  expect(() => createProject("docs", "device_pki")).toThrow(/`docs` is not empty/);
  expect(() => createProject(folder(), "pki")).toThrow(
    /no model `pki`; there are shared_credential, device_pki/,
  );
});
