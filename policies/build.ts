/**
 * Compiles `policies/` into `bundles/sallyport.tar.gz`: `tsx policies/build.ts [--sequence N]`. With `--site FOLDER
 * --out FILE` it compiles the same rules with another site's data and tables (docs/sites.md).
 * `--check` compares the committed bundle's digest with the sources, without OPA; with `--rebuild` it compiles
 * again and compares what came out.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compilePolicy } from "../src/workbench/compile.ts";
import { needOpa } from "../src/workbench/opa.ts";
import { policySources, sourcesDigest } from "../src/workbench/sources.ts";
import { readArchive } from "./archive.ts";
import { buildBundle, isCurrent, manifestOf, sameFiles, saveBundle } from "./bundle.ts";
import { schemas } from "./schemas.ts";
import { withSite } from "./site.ts";

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

/** Another site's bundle, from the same rules. */
async function buildSite(folder: string, out: string, sequence: number): Promise<void> {
  const files = await withSite(policies, folder, (project) => buildBundle(needOpa(), project, sequence));
  mkdirSync(dirname(resolve(out)), { recursive: true });
  await saveBundle(files, out);
  console.log(`${out} ${manifestOf(files).revision}`);
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
  options: {
    check: { type: "boolean" },
    rebuild: { type: "boolean" },
    sequence: { type: "string" },
    site: { type: "string" },
    out: { type: "string", default: "site.tar.gz" },
  },
});
if (values.site !== undefined) {
  await buildSite(values.site, values.out, Number(values.sequence ?? 1));
} else if (values.check === true) {
  const fault = await check(values.rebuild === true);
  if (fault !== undefined) {
    console.error(`${fault}; run \`npx tsx policies/build.ts\``);
    process.exitCode = 1;
  }
} else {
  await build(values.sequence === undefined ? undefined : Number(values.sequence));
}
