/** Rego to Wasm by OPA's compiler, in a folder of its own that is gone afterwards. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArchive } from "../bundle/archive.ts";
import { Fault } from "../runtime/fault.ts";
import { type Finding, policyFault } from "./finding.ts";
import { missingEntrypoint } from "./lint/missing-entrypoint.ts";
import { type Opa, runOpa } from "./opa.ts";
import { type Objection, readOpaErrors, readOpaText } from "./opa-errors.ts";
import { ignoreFlags, type Loaded } from "./sources.ts";

/** What to compile and how. */
export interface CompileOptions {
  /** Folder with the sources. */
  readonly dir: string;
  readonly entrypoints: readonly string[];
  /** OPA's level 2 does not end on large policies. */
  readonly optimize: 0 | 1;
  /** Whether Rego tests or invariants are compiled too. */
  readonly with?: Loaded;
}

/** What OPA made: one module and the base documents. */
export interface Compiled {
  readonly wasm: Uint8Array;
  /** JSON text. */
  readonly data: Uint8Array;
}

const archiveLimits = {
  maxArchiveBytes: 256 * 1024 * 1024,
  maxContentBytes: 1024 * 1024 * 1024,
  maxFiles: 65_536,
};

/**
 * Checks (`opa check --strict`) and compiles (`opa build -t wasm`).
 * @throws Fault `policy_invalid` with every objection of OPA, `tool_missing`
 */
export async function compilePolicy(opa: Opa, options: CompileOptions): Promise<Compiled> {
  const { dir, entrypoints, optimize } = options;
  const ignore = ignoreFlags(options.with);
  const found = await objectionsOf(opa, dir, ignore);
  if (found.length > 0) throw policyFault(found);
  const out = await mkdtemp(join(tmpdir(), "sallyport-policy-"));
  try {
    const archive = join(out, "bundle.tar.gz");
    const entries = entrypoints.flatMap((entry) => ["-e", entry]);
    const flags = ["-t", "wasm", "-O", `${optimize}`, "-b", ...ignore, ...entries, "-o", archive];
    const run = await runOpa(opa, ["build", ...flags, "."], dir);
    if (run.code !== 0) throw policyFault(wordFailure(run.stderr || run.stdout, optimize));
    const files = await readArchive(await readFile(archive), archiveLimits);
    return { wasm: fileOf(files, "policy.wasm"), data: fileOf(files, "data.json") };
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** What `opa check` says of the sources in a folder; empty: nothing. */
export async function objectionsOf(
  opa: Opa,
  dir: string,
  ignore: readonly string[],
  flags: readonly string[] = [],
): Promise<Objection[]> {
  const args = ["check", "-b", "--strict", "-m", "100", "--format", "json", ...flags, ...ignore, "."];
  const run = await runOpa(opa, args, dir);
  if (run.code === 0) return [];
  const said = run.stdout.trim() === "" ? run.stderr : run.stdout;
  return readOpaErrors(said) ?? readOpaText(said).map((found) => ({ ...found, details: undefined }));
}

/** A failure of `opa build` on sources that `opa check` passed. */
function wordFailure(said: string, optimize: 0 | 1): Finding[] {
  const [, unoptimised, optimised] =
    /entrypoint "([\w./]+)" does not refer to a rule|undefined entrypoint (?:data\.)?([\w./]+)/.exec(said) ??
    [];
  const missing = unoptimised ?? optimised;
  if (missing !== undefined) return [missingEntrypoint(missing.replaceAll(".", "/"))];
  const findings = readOpaText(said);
  if (optimize === 0) return findings;
  const fix = "OPA's optimiser fails on it: rewrite the rule, or set `optimize: 0` in policy.yaml";
  return findings.map((finding) => ({ ...finding, code: "optimizer", fix }));
}

function fileOf(files: ReadonlyMap<string, Uint8Array>, path: string): Uint8Array {
  const bytes = files.get(path);
  if (bytes !== undefined) return bytes;
  throw new Fault("internal", `the compiler made no \`${path}\``);
}
