import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Bundle, BundleLimits } from "../../src/bundle/bundle.ts";
import { readBundle } from "../../src/bundle/read-bundle.ts";
import { Fault } from "../../src/runtime/fault.ts";
import { bundleOf, type Entry, files, manifest, tarOf, withManifest } from "./archives.ts";

async function refusal(archive: Uint8Array, limits?: Partial<BundleLimits>): Promise<string> {
  const outcome = await readBundle(archive, limits).then(
    () => "accepted",
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Fault);
  expect((outcome as Fault).code).toBe("bundle_invalid");
  return (outcome as Fault).message;
}

const contentOf = (bundle: Bundle): string =>
  JSON.stringify({ ...bundle, digest: "", sizeBytes: 0, wasm: Buffer.from(bundle.wasm).toString("hex") });

describe("a whole bundle", () => {
  it("is read, and its digest is that of the archive", async () => {
    const archive = await bundleOf();
    const bundle = await readBundle(archive);
    expect(bundle).toMatchObject({
      revision: "r1",
      sequence: 7,
      contract: 1,
      digest: createHash("sha256").update(archive).digest("hex"),
      entrypoints: ["sallyport/publish", "sallyport/cuts"],
      schemas: manifest.metadata.sallyport.schemas,
      sizeBytes: archive.byteLength,
      manifest,
    });
    expect(bundle.data).toEqual({ site: { floors: { meter: 3 } } });
    expect(Buffer.from(bundle.wasm)).toEqual(files["/policy.wasm"]);
  });

  it("may name its paths with or without a leading slash, hold folders and files of no concern", async () => {
    const named = Object.entries(files).map(([name, content]) => ({ name: `.${name}`, content }));
    const extra: Entry[] = [
      { name: "optimized/", type: "directory" },
      { name: "optimized/x.rego", content: "package x" },
    ];
    expect(contentOf(await readBundle(gzipSync(await tarOf([...named, ...extra]))))).toBe(
      contentOf(await readBundle(await bundleOf())),
    );
  });

  it("joins the data files of its folders", async () => {
    const bundle = await readBundle(
      await bundleOf({ "/site/a/data.json": '{"b":{"__proto__":1}}', "/site/data.json": '{"c":[1]}' }),
    );
    expect(JSON.stringify(bundle.data)).toBe(
      '{"site":{"floors":{"meter":3},"a":{"b":{"__proto__":1}},"c":[1]}}',
    );
  });
});

describe("an archive is refused", () => {
  it("cut short at any byte", async () => {
    const archive = await bundleOf();
    for (let length = 0; length < archive.length; length += 7) await refusal(archive.subarray(0, length));
    await refusal(archive.subarray(0, -1));
  });

  it("with a tar cut short at any block, or in one", async () => {
    const tar = gunzipSync(await bundleOf());
    for (let length = 0; length < tar.length; length += 256) {
      await refusal(gzipSync(tar.subarray(0, length)));
    }
  });

  it("that goes on after its end", async () => {
    const archive = await bundleOf();
    for (const more of [Buffer.alloc(1), Buffer.alloc(600), Buffer.from("more"), archive, gzipSync("more")]) {
      await refusal(Buffer.concat([archive, more]));
    }
  });

  it("or read as the same bundle, damaged at any 64th byte", async () => {
    const archive = await bundleOf();
    const whole = await readBundle(archive);
    for (let at = 0; at < archive.length; at += 64) {
      for (const bit of [1, 128]) {
        const damaged = Buffer.from(archive);
        damaged[at] = (damaged[at] as number) ^ bit;
        const read = await readBundle(damaged).catch((error: unknown) => error);
        if (read instanceof Fault) continue;
        expect(contentOf(read as Bundle)).toBe(contentOf(whole));
        expect((read as Bundle).digest).not.toBe(whole.digest);
      }
    }
  });

  it("or read under another digest, with its tar damaged anywhere", async () => {
    const tar = gunzipSync(await bundleOf());
    const { digest } = await readBundle(await bundleOf());
    await fc.assert(
      fc.asyncProperty(fc.nat(tar.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const damaged = Buffer.from(tar);
        damaged[at] = (damaged[at] as number) ^ mask;
        const read = await readBundle(gzipSync(damaged)).catch((error: unknown) => error);
        if (read instanceof Fault) expect(read.code).toBe("bundle_invalid");
        else expect((read as Bundle).digest).not.toBe(digest);
      }),
      { numRuns: 500 },
    );
  });

  it("that is anything else", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 2000, size: "max" }),
        fc.boolean(),
        async (bytes, zipped) => {
          await refusal(zipped ? gzipSync(bytes) : bytes);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("too large, packed or unpacked, or of too many files", async () => {
    const archive = await bundleOf();
    expect(await refusal(archive, { maxArchiveBytes: archive.length - 1 })).toContain("are allowed");
    const bomb = await bundleOf({ "/zeros": new Uint8Array(8 * 1024 * 1024) });
    expect(bomb.length).toBeLessThan(20_000);
    expect(await refusal(bomb, { maxContentBytes: 1024 * 1024 })).toContain("unpacks to more");
    const many = Array.from({ length: 30 }, (_, at) => ({ name: `f${at}`, content: "" }));
    expect(await refusal(await bundleOf({}, many), { maxFiles: 32 })).toContain("more than 32 files");
    expect((await readBundle(await bundleOf({}, many), { maxFiles: 33 })).revision).toBe("r1");
  });

  it("with a path that leaves it, comes twice, or is no file", async () => {
    const paths = ["../x", "a/../../x", "//etc/passwd", "a//b", "a/./b", "a\\b", "..", "a\nb"];
    for (const name of paths) {
      const message = await refusal(await bundleOf({}, [{ name, content: "x" }])).catch(
        () => `accepted ${name}`,
      );
      expect([name, message]).toEqual([name, expect.stringMatching(/does not stay inside|not a whole tar/)]);
    }
    for (const name of ["/policy.wasm", "policy.wasm", "./policy.wasm"]) {
      expect(await refusal(await bundleOf({}, [{ name, content: "x" }]))).toContain("`policy.wasm` twice");
    }
    for (const type of ["symlink", "link", "fifo", "character-device"] as const) {
      expect(await refusal(await bundleOf({}, [{ name: "x", type, linkname: "/etc/passwd" }]))).toContain(
        type,
      );
    }
  });
});

describe("a bundle is refused", () => {
  it("without its manifest or its module", async () => {
    expect(await refusal(await bundleOf({ "/.manifest": undefined }))).toContain("no `.manifest`");
    expect(await refusal(await bundleOf({ "/policy.wasm": undefined }))).toContain("no `policy.wasm`");
  });

  it("with a file that is not JSON, or not UTF-8", async () => {
    expect(await refusal(await bundleOf({ "/.manifest": "{" }))).toContain("`.manifest` is not JSON");
    expect(await refusal(await bundleOf({ "/data.json": "" }))).toContain("`data.json` is not JSON");
    expect(await refusal(await bundleOf({ "/data.json": Uint8Array.of(0x22, 0xff, 0x22) }))).toContain(
      "not JSON",
    );
    expect(await refusal(await bundleOf({ "/data.json": "[]" }))).toContain("not an object");
    expect(await refusal(await bundleOf({ "/data.yaml": "a: 1" }))).toContain("data.yaml");
  });

  it("with data outside its roots, or set twice", async () => {
    for (const data of ['{"other":1}', '{"site":{},"system":{"authz":{}}}', '{"sallyport_x":1}']) {
      expect(await refusal(await bundleOf({ "/data.json": data }))).toContain("outside the bundle's roots");
    }
    expect(await refusal(await bundleOf({ "/site/data.json": '{"floors":1}' }))).toContain(
      "`site/floors` twice",
    );
  });

  const { sallyport } = manifest.metadata;
  const wrong: [string, unknown, string][] = [
    ["no object", [], "needs a text that is not empty at `revision`"],
    ["no revision", { ...manifest, revision: undefined }, "`revision`"],
    ["an empty revision", { ...manifest, revision: "" }, "`revision`"],
    ["no entrypoint", { ...manifest, wasm: [] }, "`wasm`"],
    ["no metadata", { ...manifest, metadata: undefined }, "`metadata.sallyport.contract`"],
    ["no metadata of ours", { ...manifest, metadata: {} }, "`metadata.sallyport.contract`"],
    ["no sequence", { ...manifest, metadata: { sallyport: { ...sallyport, sequence: -1 } } }, "sequence"],
    [
      "another contract",
      { ...manifest, metadata: { sallyport: { ...sallyport, contract: 2 } } },
      "contract version 2",
    ],
    [
      "no schema",
      { ...manifest, metadata: { sallyport: { ...sallyport, schemas: {} } } },
      "`sallyport/publish`",
    ],
    [
      "a schema that is none",
      { ...manifest, metadata: { sallyport: { ...sallyport, schemas: { publish: 1 } } } },
      "an object of schemas",
    ],
    [
      "two modules",
      { ...manifest, wasm: [...manifest.wasm, { entrypoint: "x", module: "/b.wasm" }] },
      "more than one",
    ],
    [
      "another module",
      { ...manifest, wasm: [{ entrypoint: "sallyport/publish", module: "/b.wasm" }] },
      "`/b.wasm`",
    ],
  ];
  it.each(wrong)("with a manifest with %s", async (_, value, message) => {
    expect(await refusal(await withManifest(value))).toContain(message);
  });
});
