import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AbortedBundle, AbortedBundles } from "../../src/bundle/aborted-bundles.ts";
import { Fault } from "../../src/runtime/fault.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sallyport-aborted-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const one = (digest: string): AbortedBundle => ({
  digest,
  revision: "r6",
  by: "alice",
  reason: "odd",
  at: 7,
});

describe("bundles that nobody wants", () => {
  it("are known after a restart", async () => {
    const before = await AbortedBundles.open(dir);
    expect(before.has("aa")).toBe(false);
    await before.add(one("aa"));
    await before.add(one("bb"));
    const after = await AbortedBundles.open(dir);
    expect([after.has("aa"), after.has("bb"), after.has("cc")]).toEqual([true, true, false]);
    expect(JSON.parse(readFileSync(join(dir, "aborted.json"), "utf8"))).toMatchObject({
      aborted: [one("aa"), one("bb")],
    });
  });

  it("are not aborted where that cannot be remembered, and a damaged list is no empty one", async () => {
    const kept = await AbortedBundles.open(join(dir, "below"));
    writeFileSync(join(dir, "below"), "a file where the folder should be");
    await expect(kept.add(one("aa"))).rejects.toMatchObject({ code: "bundle_unkept" });
    expect(kept.has("aa")).toBe(false);
    writeFileSync(join(dir, "aborted.json"), "{");
    await expect(AbortedBundles.open(dir)).rejects.toBeInstanceOf(Fault);
  });
});
