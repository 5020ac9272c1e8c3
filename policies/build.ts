/**
 * Compiles `policies/` into `bundles/sallyport.tar.gz`: `tsx policies/build.ts [--sequence N]`.
 * `--check` compares the committed bundle's digest with the sources, without OPA; with `--rebuild` it compiles
 * again and compares what came out.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compilePolicy } from "../src/workbench/compile.ts";
import { needOpa } from "../src/workbench/opa.ts";
import { policySources, sourcesDigest } from "../src/workbench/sources.ts";
import { readArchive } from "./archive.ts";
import { buildBundle, isCurrent, manifestOf, sameFiles, saveBundle } from "./bundle.ts";
import { schemas } from "./schemas.ts";

const policies = dirname(fileURLToPath(import.meta.url));
const root = dirname(policies);
const archive = join(root, "bundles", "sallyport.tar.gz");
const emptyWasm = join(root, "bundles", "empty.wasm");
const emptySources = join(root, "test", "policies", "empty");

function schemaFiles(): [path: string, content: string][] {
  return Object.entries(schemas).map(([name, schema]) => [
    join(policies, "schemas", `${name}.json`),
    `${JSON.stringify({ $schema: "https://json-schema.org/draft/2020-12/schema", ...schema }, null, 1)}\n`,
  ]);
}

/** The next sequence: the committed one for unchanged sources, else one more. */
async function sequenceAfter(path: string): Promise<number> {
  if (!existsSync(path)) return 1;
  const { sequence, sources } = manifestOf(await readArchive(readFileSync(path))).metadata.sallyport;
  return sources === sourcesDigest(policySources(policies)) ? sequence : sequence + 1;
}

async function build(sequence: number | undefined): Promise<void> {
  for (const [path, content] of schemaFiles()) writeFileSync(path, content);
  mkdirSync(dirname(archive), { recursive: true });
  const files = await buildBundle(needOpa(), policies, sequence ?? (await sequenceAfter(archive)));
  await saveBundle(files, archive);
  // OPA's optimiser panics on a constant policy.
  const empty = await compilePolicy(needOpa(), {
    dir: emptySources,
    entrypoints: ["empty/publish"],
    optimize: 0,
  });
  writeFileSync(emptyWasm, empty.wasm);
  console.log(`bundles/sallyport.tar.gz ${manifestOf(files).revision}`);
}

async function check(rebuild: boolean): Promise<string | undefined> {
  const stale = schemaFiles().filter(
    ([path, content]) => !existsSync(path) || readFileSync(path, "utf8") !== content,
  );
  if (stale.length > 0) return `stale schemas: ${stale.map(([path]) => path).join(", ")}`;
  const committed = readFileSync(archive);
  if (!(await isCurrent(committed, policies))) return "bundles/sallyport.tar.gz is not of these sources";
  if (!rebuild) return undefined;
  const files = await readArchive(committed);
  const rebuilt = await buildBundle(needOpa(), policies, manifestOf(files).metadata.sallyport.sequence);
  return sameFiles(files, rebuilt)
    ? undefined
    : "bundles/sallyport.tar.gz does not come out of its sources again";
}

const { values } = parseArgs({
  options: { check: { type: "boolean" }, rebuild: { type: "boolean" }, sequence: { type: "string" } },
});
if (values.check === true) {
  const fault = await check(values.rebuild === true);
  if (fault !== undefined) {
    console.error(`${fault}; run \`npx tsx policies/build.ts\``);
    process.exitCode = 1;
  }
} else {
  await build(values.sequence === undefined ? undefined : Number(values.sequence));
}
