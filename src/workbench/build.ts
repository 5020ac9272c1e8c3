/** From a project to a bundle that the service will take: the same sources give the same bytes. */
import { existsSync, readFileSync } from "node:fs";
import type { Bundle } from "../bundle/bundle.ts";
import { casesPath } from "../bundle/case-file.ts";
import { readManifest } from "../bundle/manifest.ts";
import { readBundle } from "../bundle/read-bundle.ts";
import { writeArchive } from "../bundle/write-archive.ts";
import type { PolicySnapshot } from "../pdp/snapshot.ts";
import { Fault } from "../runtime/fault.ts";
import { bundleCases } from "./bundle-cases.ts";
import { compilePolicy } from "./compile.ts";
import { policyFault } from "./finding.ts";
import { unsafeFormats } from "./format.ts";
import { type Opa, opaVersion } from "./opa.ts";
import type { PolicyProject } from "./project.ts";
import { proveBundle } from "./prove-bundle.ts";
import { sourcesDigest } from "./sources.ts";

/** A bundle as it was built. */
export interface BuiltBundle {
  readonly archive: Buffer;
  /** File contents by path, in the order of the archive, each path with OPA's leading slash. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly bundle: Bundle;
  /** The policy, loaded and proven as the service does it. */
  readonly snapshot: PolicySnapshot;
}

/** Version of the contract that bundles are built for. */
const contract = 1;

/**
 * Builds a project.
 * @param sequence grows with every build of changed sources; see {@link nextSequence}
 * @throws Fault `policy_invalid` with places, `bundle_invalid` where the service would refuse the bundle
 */
export async function buildBundle(opa: Opa, project: PolicyProject, sequence: number): Promise<BuiltBundle> {
  const corrupted = await unsafeFormats(opa, project.dir, project.sources);
  if (corrupted.length > 0) throw policyFault(corrupted);
  const optimize = project.settings.optimize ?? 0;
  const { dir, entrypoints } = project;
  refuseMissingSchemas(project);
  const [compiled, version] = await Promise.all([
    compilePolicy(opa, { dir, entrypoints, optimize }),
    opaVersion(opa),
  ]);
  const digest = sourcesDigest(project.sources);
  const manifest = {
    revision: `${digest.slice(0, 12)}-${sequence}`,
    roots: project.roots,
    wasm: entrypoints.map((entrypoint) => ({ entrypoint, module: "/policy.wasm" })),
    metadata: {
      sallyport: {
        contract,
        sequence,
        schemas: { ...project.schemas, ...maskSchema(project) },
        sources: digest,
        built_with: `opa ${version}`,
      },
    },
  };
  const files = new Map<string, Uint8Array>([
    ["/.manifest", Buffer.from(JSON.stringify(manifest))],
    ["/data.json", compiled.data],
    ["/policy.wasm", compiled.wasm],
  ]);
  const cases = bundleCases(project, await readBundle(await writeArchive(files)));
  if (cases.length > 0) files.set(`/${casesPath}`, Buffer.from(JSON.stringify(cases)));
  const archive = await writeArchive(files);
  const bundle = await readBundle(archive);
  return { archive, files, bundle, snapshot: proveBundle(bundle) };
}

/**
 * The sequence for a bundle that will replace the one at `path`: its own for unchanged sources, else one more;
 * 1 where there is none.
 * @throws Fault `bundle_invalid` where something else is there
 */
export async function nextSequence(path: string, project: PolicyProject): Promise<number> {
  if (!existsSync(path)) return 1;
  try {
    const { manifest, sequence } = await readBundle(readFileSync(path));
    const { sources } = readManifest(manifest);
    return sources === sourcesDigest(project.sources) ? sequence : sequence + 1;
  } catch (thrown) {
    const why = Fault.from(thrown, "bundle_invalid", "it cannot be read").message;
    throw new Fault("bundle_invalid", `\`${path}\` is there and is no bundle (${why}); move it away first`, {
      cause: thrown,
    });
  }
}

/**
 * A mask that looks at no event is the same for all: its schema says so, and the host evaluates it once per bundle
 * instead of once per event.
 */
function maskSchema({ sources }: PolicyProject): Record<string, unknown> {
  const masks = sources
    .filter(({ path }) => path.endsWith(".rego"))
    .map(({ bytes }) => bytes.toString("utf8").replaceAll(/#.*$/gm, ""))
    .filter((text) => /^package\s+system\.log\b/m.test(text));
  if (masks.length === 0 || masks.some((text) => /\binput\b/.test(text))) return {};
  return { "system/log/mask": { type: "object", properties: {} } };
}

function refuseMissingSchemas({ entrypoints, schemas }: PolicyProject): void {
  const lacking = entrypoints.filter(
    (name) =>
      name.startsWith("sallyport/") &&
      name !== "sallyport/cuts" &&
      !Object.hasOwn(schemas, name.slice("sallyport/".length)),
  );
  if (lacking.length === 0) return;
  throw policyFault(
    lacking.map((name) => ({
      code: "schema-missing",
      file: `schemas/${name.slice("sallyport/".length)}.json`,
      row: 1,
      col: 1,
      message: `the entrypoint \`${name}\` has no input schema`,
      fix: "write the JSON Schema of the facts that it reads; docs/policy-contract.md says how",
    })),
  );
}
