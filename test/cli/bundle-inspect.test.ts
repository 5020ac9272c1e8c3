import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sallyport } from "./run.ts";

const committed = "bundles/sallyport.tar.gz";
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-cli-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("bundle inspect", () => {
  it("says what the committed bundle holds, for people and for programs", async () => {
    const [people, programs] = await Promise.all([
      sallyport(["bundle", "inspect", committed]),
      sallyport(["bundle", "inspect", committed, "--json"]),
    ]);
    expect([people.code, programs.code]).toEqual([0, 0]);
    const summary = JSON.parse(programs.stdout) as { revision: string; fields: Record<string, string[]> };
    expect(people.stdout).toMatch(`bundle ${summary.revision}, sequence `);
    for (const name of ["connect", "publish", "subscribe", "command", "grants"]) {
      expect(people.stdout).toMatch(
        new RegExp(`sallyport/${name} +reads \\d+ facts, \\d+ of them mandatory\n`),
      );
      expect(summary.fields[name]).toContain("now!");
    }
  });

  it("refuses what is no bundle, in one line", async () => {
    const cut = join(dir, "cut.tar.gz");
    await writeFile(cut, readFileSync(committed).subarray(0, 5000));
    const [truncated, other, missing] = await Promise.all(
      [cut, "package.json", join(dir, "missing")].map((file) => sallyport(["bundle", "inspect", file])),
    );
    expect(truncated).toMatchObject({ code: 1, stdout: "" });
    expect(truncated?.stderr).toMatch(
      /^sallyport: `.*cut\.tar\.gz` is no bundle for this service: [^\n]+\n$/,
    );
    expect(other?.stderr).toMatch(/^sallyport: `package\.json` is no bundle for this service: [^\n]+\n$/);
    expect(missing?.stderr).toMatch(/^sallyport: cannot read `.*missing`[^\n]*: there is no such file\n$/);
  });
});
