import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readArchive } from "../../policies/archive.ts";
import { buildBundle, entrypoints, isCurrent, manifestOf, sameFiles } from "../../policies/bundle.ts";
import { findOpa } from "../../policies/opa.ts";
import { schemas as sources } from "../../policies/schemas.ts";
import { writeArchive } from "../../src/bundle/write-archive.ts";
import { instantiate, project, schemas } from "./harness.ts";
import { root } from "./tables.ts";
import { inputOf, twisted } from "./twists.ts";

const policies = join(root, "policies");
const archive = readFileSync(join(root, "bundles", "sallyport.tar.gz"));
const opa = findOpa(root, process.env["CI"] !== undefined);

it("the committed bundle is of the committed sources", async () => {
  expect(await isCurrent(archive, policies)).toBe(true);
});

it("its manifest names the contract, every entrypoint and every schema", async () => {
  const manifest = manifestOf(await readArchive(archive));
  expect(manifest.metadata.sallyport.contract).toBe(1);
  expect(manifest.wasm.map(({ entrypoint }) => entrypoint)).toEqual(entrypoints);
  expect(manifest.roots).toEqual(["sallyport", "site", "system/log"]);
  for (const [name, schema] of Object.entries(sources))
    expect(schemas[name]).toMatchObject(JSON.parse(JSON.stringify(schema)));
});

it("the same files give the same bytes", async () => {
  const files = await readArchive(archive);
  expect((await writeArchive(files)).equals(await writeArchive(new Map(files)))).toBe(true);
});

it.skipIf(opa === undefined)(
  "it comes out of its sources again, byte for byte",
  async () => {
    if (opa === undefined) return;
    const files = await readArchive(archive);
    const rebuilt = await buildBundle(opa, policies, manifestOf(files).metadata.sallyport.sequence);
    expect(sameFiles(files, rebuilt)).toBe(true);
  },
  120_000,
);

interface Instance {
  readonly mem: WebAssembly.Memory;
  readonly wasmInstance: {
    readonly exports: Readonly<Record<"builtins" | "opa_json_dump", (value?: number) => number>>;
  };
}

it("needs no builtin of the host", async () => {
  const { mem, wasmInstance } = (await instantiate()) as unknown as Instance;
  const { builtins, opa_json_dump: dump } = wasmInstance.exports;
  const bytes = new Uint8Array(mem.buffer);
  const start = dump(builtins());
  expect(Buffer.from(bytes.subarray(start, bytes.indexOf(0, start))).toString("utf8")).toBe("{}");
});

it("projected inputs are small", () => {
  for (const model of ["device_pki", "zero_trust", "safety_segmented", "shared_credential"]) {
    const input = inputOf("publish", twisted(model, "publish", "ops", []));
    expect(JSON.stringify(input).length, model).toBeLessThan(1900);
  }
});

it("projecting a projection changes nothing", () => {
  for (const kind of ["connect", "publish", "subscribe", "command", "grants"]) {
    const facts = twisted("zero_trust", kind, "ops", ["waiver"]);
    const once = inputOf(kind, facts);
    expect(once).toBeDefined();
    if (once !== undefined) expect(project(kind, once)).toEqual({ input: once });
  }
});
