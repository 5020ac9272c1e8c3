import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { inspectBundle } from "../../src/bundle/inspect-bundle.ts";
import { readBundle } from "../../src/bundle/read-bundle.ts";
import { inspectPolicy } from "../../src/engine/inspect-policy.ts";
import { loadPolicy } from "../../src/engine/load-policy.ts";

const committed = readFileSync(join(import.meta.dirname, "../../bundles/sallyport.tar.gz"));

it("the committed bundle is whole, loads, and says what it is", async () => {
  const bundle = await readBundle(committed);
  using policy = loadPolicy({ wasm: bundle.wasm, data: bundle.data, required: bundle.entrypoints });
  expect([...policy.entrypoints].sort()).toEqual([...bundle.entrypoints].sort());
  const summary = inspectBundle(bundle, inspectPolicy);
  expect(summary).toMatchObject({
    revision: bundle.revision,
    sequence: bundle.sequence,
    digest: bundle.digest,
    contract: 1,
    roots: ["sallyport", "site", "system/log"],
    abi: "1.3",
    builtins: expect.any(Array),
    sizes: { archive: committed.byteLength, wasm: bundle.wasm.byteLength },
  });
  expect(summary.entrypoints).toContain("sallyport/publish");
  expect(summary.memory_pages).toBeGreaterThan(0);
  expect(summary.fields["publish"]).toEqual(
    expect.arrayContaining(["now!", "request.topic!", "registry.watermark!"]),
  );
  expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
});
