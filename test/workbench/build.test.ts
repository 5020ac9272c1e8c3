import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { buildBundle, nextSequence } from "../../src/workbench/build.ts";
import { findingsIn } from "../../src/workbench/finding.ts";
import { openProject } from "../../src/workbench/project.ts";
import { describeWithOpa } from "../opa.ts";
import { opa, project, rules, whole } from "./project.ts";

const build = (dir: string, sequence = 1): ReturnType<typeof buildBundle> =>
  buildBundle(opa(), openProject(dir), sequence);

/** What building a project objects to, as `file:row code`. */
async function objections(files: Readonly<Record<string, string>>): Promise<string[]> {
  try {
    await build(project(files));
    return [];
  } catch (thrown) {
    return findingsIn(thrown).map(({ file, row, code }) => `${file}:${row} ${code}`);
  }
}

describeWithOpa("policy build", () => {
  it("gives the same bytes for the same sources, and others for others", async () => {
    const [one, two, three] = await Promise.all([
      build(project()),
      build(project()),
      build(project({ "data.yaml": "site: {prefix: u/}\n" })),
    ]);
    expect(one.archive.equals(two.archive)).toBe(true);
    expect(one.archive.equals(three.archive)).toBe(false);
    expect(one.bundle.revision).not.toBe(three.bundle.revision);
  });

  it("writes what the contract asks of a manifest", async () => {
    const { bundle } = await build(project(), 7);
    const shipped = openProject("policies");
    // The project has no updates and no back-ends, which are optional.
    const without = (names: readonly string[]): string[] =>
      names.filter((name) => !/(^|\/)(ota|consume)$/.test(name));
    expect(bundle).toMatchObject({
      contract: 1,
      sequence: 7,
      entrypoints: without(shipped.entrypoints),
    });
    expect(bundle.manifest).toMatchObject({
      roots: ["sallyport", "site", "system/log"],
      metadata: { sallyport: { sources: expect.stringMatching(/^[0-9a-f]{64}$/), built_with: /^opa \d/ } },
    });
    expect(Object.keys(bundle.schemas).sort()).toEqual(without(Object.keys(shipped.schemas)).sort());
  });

  it("counts the sequence up when sources changed, and only then", async () => {
    const dir = project();
    const file = path.join(dir, "bundle.tar.gz");
    expect(await nextSequence(file, openProject(dir))).toBe(1);
    writeFileSync(file, (await build(dir, 4)).archive);
    expect(await nextSequence(file, openProject(dir))).toBe(4);
    writeFileSync(path.join(dir, "data.yaml"), "site: {prefix: v/}\n");
    expect(await nextSequence(file, openProject(dir))).toBe(5);
  });

  it("says where Rego does not compile, all of it", async () => {
    expect(
      await objections({
        "a.rego": "package a\n\nx := y\n",
        "b.rego": "package b\n\nx if input.device.\n",
      }),
    ).toEqual(["b.rego:4 parse-error"]);
    expect(await objections({ "a.rego": "package a\n\nx := y\n\nz := w\n" })).toEqual([
      "a.rego:3 unsafe-var-error",
      "a.rego:5 unsafe-var-error",
    ]);
  });

  it("says which entrypoint or schema is missing", async () => {
    const without = rules.replace("command := denied", "");
    await expect(build(project({ "sallyport.rego": without }))).rejects.toThrow(
      /no rule for the entrypoint `sallyport\/command`; write `command := ...` in `package sallyport`/,
    );
    await expect(
      build(project({ "sallyport.rego": without, "policy.yaml": "optimize: 1\n" })),
    ).rejects.toThrow(/no rule for the entrypoint `sallyport\/command`/);
    const extra = { "policy.yaml": "entrypoints: [sallyport/connect, sallyport/ota]\n" };
    await expect(build(project(extra))).rejects.toThrow(/`sallyport\/ota` has no input schema/);
  });

  it("refuses what the service would refuse", async () => {
    const cuts = rules.replace(/^cuts.*$/m, "cuts := {}");
    await expect(build(project({ "sallyport.rego": cuts }))).rejects.toThrow(/lists no cuts/);
    const talks = `${rules}\nsubscribe_by := http.send({"url": input.device.id})\n`.replace(
      "subscribe := denied",
      "subscribe := subscribe_by.body",
    );
    await expect(build(project({ "sallyport.rego": talks }))).rejects.toThrow(/http\.send.*network/);
  });

  it("refuses the `else` that opa fmt misprints, at its line", async () => {
    const misprinted = `${whole["mask.rego"]}\nx := "a" if input.a\n\nelse := "b" if "q" in input.r\n\nelse := "c"\n`;
    expect(await objections({ "mask.rego": misprinted })).toEqual(["mask.rego:7 fmt-unsafe"]);
    const braces = misprinted.replace(/if "q" in input\.r/, 'if {\n\t"q" in input.r\n}');
    expect(await objections({ "mask.rego": braces })).toEqual([]);
  });
});

it("data that is cyclic, a bomb, huge or no object is refused at its place", () => {
  const wrong = (text: string): string[] => {
    try {
      openProject(project({ "data.yaml": text }));
      return [];
    } catch (thrown) {
      return findingsIn(thrown).map(({ file, message }) => `${file}: ${message.slice(0, 40)}`);
    }
  };
  expect(wrong("site: &a {b: *a}\n")).toEqual(["data.yaml: an alias stands inside the value that it"]);
  const bomb = Array.from(
    { length: 9 },
    (_, i) => `x${i + 1}: &x${i + 1} [${Array(9).fill(`*x${i}`).join(",")}]`,
  );
  expect(wrong(`x0: &x0 [1]\n${bomb.join("\n")}\n`)).toEqual([
    "data.yaml: aliases multiply this file beyond any us",
  ]);
  expect(wrong(`site: ${"x".repeat(9 * 1024 * 1024)}\n`)[0]).toMatch(/policy data has \d+ bytes/);
  expect(wrong("- 1\n")).toEqual(["data.yaml: policy data is not an object"]);
  expect(wrong("site: {a: 1\n")[0]).toMatch(/^data.yaml: this is no YAML/);
});

it("settings are checked", () => {
  expect(() => openProject(project({ "policy.yaml": "optimise: 1\n" }))).toThrow(
    /policy\.yaml:1:\d+: the file has the unknown field `optimise`; known are entrypoints/,
  );
  expect(() => openProject("test/nowhere")).toThrow(/there is no folder/);
  expect(() => openProject("docs")).toThrow(/holds no Rego/);
});

it("the shipped bundle is built by it, without optimisation", () => {
  expect(openProject("policies").settings.optimize).toBe(0);
  expect(existsSync("bundles/sallyport.tar.gz")).toBe(true);
  expect(readFileSync("policies/bundle.ts", "utf8")).toMatch("src/workbench/build.ts");
});
