/**
 * What `npm run check` runs: every check that is not a test, each by name. `npm run check -- types lint` runs
 * only those. All steps run even when one fails; the exit code tells whether any did. A step whose tool is
 * absent is NOT RUN, and fails where `CI` is set.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findOpa } from "./find-opa.mjs";

const bin = (name) => join("node_modules/.bin", name);
const scratch = mkdtempSync(join(tmpdir(), "sallyport-check-"));
const notRun = Symbol("not run");

/** Runs commands in turn; the first that fails ends the step. */
function run(...commands) {
  return commands.every(([command, ...args]) => {
    const result = spawnSync(command, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
    const failed = result.status !== 0;
    if (failed) {
      console.log(`$ ${[command, ...args].join(" ")}`);
      if (result.error) console.log(String(result.error.message));
    }
    if (failed || process.env.VERBOSE) process.stdout.write(`${result.stdout ?? ""}${result.stderr ?? ""}`);
    return !failed;
  });
}

/** Checks the Rego sources with OPA itself. `opa fmt --list` names files and exits 0: any output is a failure. */
function checkPolicies() {
  const opa = findOpa();
  if (opa === undefined) return notRun;
  if (!run([...opa, "check", "--strict", "policies"])) return false;
  const unformatted = spawnSync(opa[0], [...opa.slice(1), "fmt", "--list", "policies"], { encoding: "utf8" });
  if (unformatted.status !== 0 || unformatted.stdout.trim() !== "") {
    console.log(
      `not formatted, run \`opa fmt --write policies\`:\n${unformatted.stdout}${unformatted.stderr}`,
    );
    return false;
  }
  return run(
    [...opa, "test", "--ignore", "*.json", "--ignore", "cases", "policies"],
    [bin("tsx"), "test/policies/run-rego-tests.ts"],
    [bin("tsx"), "test/policies/mutate.ts", "--if-changed"],
    [bin("tsx"), "src/cli/main.ts", "policy", "check", "policies"],
    [bin("tsx"), "policies/build.ts", "--check", "--rebuild"],
  );
}

const steps = [
  ["types", "TypeScript, everything", () => run([bin("tsc"), "-p", "tsconfig.json", "--noEmit"])],
  [
    "declarations",
    "TypeScript, what is published (isolated declarations)",
    () =>
      run([
        bin("tsc"),
        "-p",
        "tsconfig.build.json",
        "--outDir",
        join(scratch, "dist"),
        "--tsBuildInfoFile",
        join(scratch, "tsbuildinfo"),
      ]),
  ],
  [
    "format",
    "Biome: format, import order, lint",
    () => run([bin("biome"), "ci", "--colors=off", "--error-on-warnings", "."]),
  ],
  [
    "lint",
    "oxlint, type-aware",
    () => run([bin("oxlint"), "--type-aware", "--deny-warnings", "src", "test"]),
  ],
  ["dead", "knip: unused files, exports, dependencies", () => run([bin("knip")])],
  ["proto", "buf lint", () => run([bin("buf"), "lint"])],
  [
    "generated",
    "src/gen is what proto/ generates",
    () => run([process.execPath, "scripts/generated-diff.mjs"]),
  ],
  [
    "bundle",
    "the committed bundle is of the sources in policies/",
    () => run([bin("tsx"), "policies/build.ts", "--check"]),
  ],
  [
    "policies",
    "opa check --strict, opa fmt, opa test with every row and coverage, policy check, the bundle rebuilt",
    checkPolicies,
  ],
  [
    "package",
    "publint and attw on what would be published",
    () =>
      run(
        ["npm", "run", "--silent", "build"],
        [bin("publint"), "--strict"],
        [bin("attw"), "--pack", ".", "--profile", "esm-only"],
      ),
  ],
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some(([step]) => step === name));
if (unknown.length > 0) {
  console.error(
    `no step named ${unknown.map((name) => `\`${name}\``).join(", ")}; there are: ${steps.map(([name]) => name).join(" ")}`,
  );
  process.exit(1);
}

const summary = [];
try {
  for (const [name, what, check] of steps) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const start = performance.now();
    const outcome = check();
    const state =
      outcome === notRun
        ? process.env.CI
          ? "FAILED (tool absent)"
          : "NOT RUN (no OPA)"
        : outcome
          ? "ok"
          : "FAILED";
    const line = `${state.padEnd(8)} ${name.padEnd(13)} ${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${what}`;
    console.log(line);
    summary.push({ line, state });
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const failed = summary.filter(({ state }) => state.startsWith("FAILED"));
if (failed.length > 0) console.log(`\n${failed.map(({ line }) => line).join("\n")}`);
console.log(
  `\n${summary.length - failed.length} of ${summary.length} checks passed or were not run; ${failed.length} failed`,
);
process.exitCode = failed.length > 0 ? 1 : 0;
