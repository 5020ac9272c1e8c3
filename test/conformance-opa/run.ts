/** `npm run conformance`: OPA's own cases on our engine, and the table in docs/opa-conformance.md. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parseTerm, type Term } from "../../src/engine/term.ts";
import { type Case, judge } from "./judge.ts";
import { type Outcome, report } from "./report.ts";
import { type IndexedCase, packSubset, subsetFile } from "./subset.ts";

const root = join(import.meta.dirname, "../..");
const cache = join(root, ".cache/opa-conformance");

function go(...args: string[]): string {
  const run = spawnSync("go", args, { cwd: join(root, "tools"), encoding: "utf8" });
  if (run.status !== 0) throw new Error(`go ${args.join(" ")} failed: ${run.error?.message ?? run.stderr}`);
  return run.stdout.trim();
}

const [module, version] = go(
  "list",
  "-m",
  "-f",
  "{{.Dir}} {{.Version}}",
  "github.com/open-policy-agent/opa",
).split(" ") as [string, string];
const compiled = join(cache, version);
if (!existsSync(join(compiled, "index.ndjson"))) {
  mkdirSync(compiled, { recursive: true });
  process.stderr.write("compiling OPA's cases, once for this version\n");
  go("run", "./opa-cases", join(module, "v1/test/cases/testdata/v1"), compiled);
}
const outcomes: Outcome[] = [];
/** For `npm test`: the first passing case of each area. */
const subset: IndexedCase[] = [];
/** A module with the whole time zone database or the like would take more room than all others. */
const smallBytes = 400_000;
for (const line of readFileSync(join(compiled, "index.ndjson"), "utf8").trim().split("\n")) {
  const entry = parseTerm(line) as ReadonlyMap<string, Term>;
  const one = entry.get("case") as Case;
  const wasm = entry.get("wasm") as string | undefined;
  const bytes = wasm === undefined ? undefined : gunzipSync(readFileSync(join(compiled, wasm)));
  const failure =
    bytes === undefined ? `OPA does not compile it: ${String(entry.get("error"))}` : judge(bytes, one);
  const area = entry.get("area") as string;
  const picked = subset.filter((each) => each.area === area).length;
  if (bytes !== undefined && failure === undefined && bytes.length < smallBytes && picked < 1)
    subset.push({ area, line, wasm: bytes });
  outcomes.push({ area, note: one.get("note") as string, failure });
}
const page = join(root, "docs/opa-conformance.md");
const before = existsSync(page) ? Number(/\*\*(\d+) of/.exec(readFileSync(page, "utf8"))?.[1] ?? 0) : 0;
const passed = outcomes.filter(({ failure }) => failure === undefined).length;
writeFileSync(page, report(version, outcomes));
if (process.argv.includes("--subset")) writeFileSync(subsetFile, packSubset(version, subset));
if (process.argv.includes("--failures")) {
  for (const { note, failure } of outcomes)
    if (failure !== undefined) process.stdout.write(`${note}: ${failure}\n`);
}
process.stdout.write(`${passed} of ${outcomes.length} cases of OPA ${version} pass\n`);
if (passed < before) {
  process.stderr.write(`${before} passed before: see what the change of the page says\n`);
  process.exitCode = 1;
}
