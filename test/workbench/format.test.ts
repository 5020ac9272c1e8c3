import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { formatProject } from "../../src/workbench/format-project.ts";
import { describeWithOpa } from "../opa.ts";
import { opa, project } from "./project.ts";

const misprinted = 'package a\n\nx := "a"   if input.a\n\nelse := "b" if "q" in input.r\n\nelse := "c"\n';

describeWithOpa("policy fmt", () => {
  it("formats rules and tests in place, once", async () => {
    const dir = project({
      "a.rego": "package a\nx   := 1\n",
      "a_test.rego": "package a_test\ntest_x   if 1==1\n",
    });
    expect(await formatProject(opa(), dir, true)).toEqual({
      changed: ["a.rego", "a_test.rego"],
      refused: [],
      total: 4,
    });
    expect(readFileSync(path.join(dir, "a.rego"), "utf8")).toBe("package a\n\nx := 1\n");
    expect((await formatProject(opa(), dir, true)).changed).toEqual([]);
  });

  it("leaves a file alone that would come to mean something else, at its line", async () => {
    const dir = project({ "a.rego": misprinted });
    const { changed, refused } = await formatProject(opa(), dir, true);
    expect(changed).toEqual([]);
    expect(refused).toMatchObject([{ code: "fmt-unsafe", file: "a.rego", row: 5 }]);
    expect(readFileSync(path.join(dir, "a.rego"), "utf8")).toBe(misprinted);
  });

  it("changes nothing where it only looks, and names what does not parse", async () => {
    const dir = project({ "a.rego": "package a\nx   := 1\n", "b.rego": "package b\n\nx :=\n" });
    const { changed, refused } = await formatProject(opa(), dir, false);
    expect(changed).toEqual(["a.rego"]);
    expect(refused.map(({ file, code }) => `${file} ${code}`)).toEqual(["b.rego parse-error"]);
    expect(readFileSync(path.join(dir, "a.rego"), "utf8")).toBe("package a\nx   := 1\n");
  });

  it("has nothing to change in the shipped policies", async () => {
    const report = await formatProject(opa(), "policies", false);
    expect(report).toMatchObject({ changed: [], refused: [] });
    expect(report.total).toBeGreaterThan(25);
  }, 60_000);
});
