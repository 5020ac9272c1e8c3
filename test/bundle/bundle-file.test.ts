import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BundleFile, type BundleFileOptions } from "../../src/bundle/bundle-file.ts";
import type { Fault } from "../../src/runtime/fault.ts";
import { manifest, withManifest } from "./archives.ts";

const revision = (name: string): Promise<Buffer> => withManifest({ ...manifest, revision: name });

describe("a bundle file", () => {
  let folder: string;
  let path: string;
  let bundles: string[];
  let faults: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sallyport-bundle-"));
    path = join(folder, "bundle.tar.gz");
    bundles = [];
    faults = [];
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (options: Partial<BundleFileOptions> = {}): BundleFile =>
    new BundleFile({
      path,
      pollMs: 20,
      settleMs: 60,
      onOffer: ({ bundle }) => void bundles.push(bundle.revision),
      onFault: (fault: Fault) => void faults.push(fault.code),
      ...options,
    });

  const seen = (wanted: { bundles?: string[]; faults?: string[] }): Promise<void> =>
    vi.waitFor(() => expect({ bundles, faults }).toEqual({ bundles: [], faults: [], ...wanted }), {
      timeout: 5000,
    });

  /** Another file moves over the one that is watched, as a careful writer does it. */
  const replace = (content: Uint8Array): void => {
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  };

  it("is handed over once at the start, and again only when it is another", async () => {
    writeFileSync(path, await revision("one"));
    await using file = open();
    await file.start();
    expect(bundles).toEqual(["one"]);
    replace(await revision("one"));
    await sleep(100);
    expect(bundles).toEqual(["one"]);
    replace(await revision("two"));
    await seen({ bundles: ["one", "two"] });
    for (const name of ["three", "four", "five"]) {
      replace(await revision(name));
      await vi.waitFor(() => expect(bundles.at(-1)).toBe(name));
    }
    expect(faults).toEqual([]);
  });

  it.each([
    ["by its watch alone", { pollMs: 3_600_000 }],
    ["by polling alone, where its folder was not there to be watched", { pollMs: 20 }],
  ])("is noticed %s", async (_, options) => {
    if (options.pollMs === 20) path = join(folder, "later", "bundle.tar.gz");
    await using file = open(options);
    await file.start();
    await seen({ faults: ["bundle_missing"] });
    if (options.pollMs === 20) mkdirSync(join(folder, "later"));
    replace(await revision("one"));
    await seen({ bundles: ["one"], faults: ["bundle_missing"] });
    replace(await revision("two"));
    await seen({ bundles: ["one", "two"], faults: ["bundle_missing"] });
  });

  it("may be half-written for a while: nothing is said until it is whole", async () => {
    writeFileSync(path, await revision("one"));
    await using file = open({ settleMs: 400 });
    await file.start();
    const next = await revision("two");
    const handle = openSync(path, "w");
    for (let at = 0; at < next.length; at += 64) {
      writeSync(handle, next.subarray(at, at + 64));
      await sleep(15);
    }
    closeSync(handle);
    await seen({ bundles: ["one", "two"] });
  });

  it("that stays broken is reported once for each breakage, and what was given stays", async () => {
    writeFileSync(path, await revision("one"));
    await using file = open();
    await file.start();
    writeFileSync(path, (await revision("two")).subarray(0, 300));
    await seen({ bundles: ["one"], faults: ["bundle_invalid"] });
    await sleep(200);
    await seen({ bundles: ["one"], faults: ["bundle_invalid"] });
    unlinkSync(path);
    await seen({ bundles: ["one"], faults: ["bundle_invalid", "bundle_missing"] });
    replace(await revision("one"));
    await sleep(150);
    await seen({ bundles: ["one"], faults: ["bundle_invalid", "bundle_missing"] });
    replace(await revision("three"));
    await seen({ bundles: ["one", "three"], faults: ["bundle_invalid", "bundle_missing"] });
  });

  it("may be a link that is switched over, as in a mounted ConfigMap", async () => {
    for (const name of ["one", "two"]) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "bundle.tar.gz"), await revision(name));
    }
    symlinkSync("one", join(folder, "data"));
    symlinkSync(join("data", "bundle.tar.gz"), path);
    await using file = open();
    await file.start();
    symlinkSync("two", join(folder, "data.new"));
    renameSync(join(folder, "data.new"), join(folder, "data"));
    await seen({ bundles: ["one", "two"] });
  });

  it("that its reader refuses is reported, and not offered again", async () => {
    writeFileSync(path, await revision("one"));
    await using file = open({
      onOffer: ({ bundle }) => {
        bundles.push(bundle.revision);
        if (bundle.revision === "one") throw new Error("no");
      },
    });
    await file.start();
    await seen({ bundles: ["one"], faults: ["bundle_invalid"] });
    await sleep(150);
    replace(await revision("two"));
    await seen({ bundles: ["one", "two"], faults: ["bundle_invalid"] });
  });

  it("larger than the limit is not even read", async () => {
    writeFileSync(path, new Uint8Array(5000));
    await using file = open({ limits: { maxArchiveBytes: 4999 } });
    await file.start();
    await seen({ faults: ["bundle_invalid"] });
  });

  it("says nothing more once it is closed", async () => {
    writeFileSync(path, await revision("one"));
    const file = open();
    await file.start();
    replace(await revision("two"));
    await file[Symbol.asyncDispose]();
    const told = bundles.length;
    replace(await revision("three"));
    unlinkSync(path);
    await sleep(200);
    expect([bundles.length, faults]).toEqual([told, []]);
  });
});
