/**
 * `tsx test/policies/run-rego-tests.ts`: holds every decision row on the sources with OPA, and fails where less than
 * the threshold of the policies' expressions was evaluated. Test files do not count. `opa test` itself would trace
 * every row, at twenty times the cost; so `opa eval` asks, and only what is measured is traced.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findOpa, runOpa } from "../../policies/opa.ts";
import { rowsDocument } from "./rows-data.ts";
import { root } from "./tables.ts";

const thresholdPercent = 95;
const rowTests = join(root, "test", "policies", "rego", "rows_test.rego");

interface Report {
  readonly result: readonly { readonly expressions: readonly { readonly value: unknown }[] }[];
  readonly coverage?: {
    readonly files: Readonly<
      Record<
        string,
        {
          readonly covered_lines?: number;
          readonly not_covered_lines?: number;
          readonly not_covered?: readonly { readonly start: { readonly row: number } }[];
        }
      >
    >;
  };
}

const opa = findOpa(root);
if (opa === undefined) throw new Error("no OPA: set `OPA`, put `opa` on PATH, or install Go");
const scratch = mkdtempSync(join(tmpdir(), "sallyport-rows-"));
const tables = join(scratch, "tables.json");
const sources = ["policies", "test/policies/rego", tables].flatMap((path) => ["-d", path]);

function evaluate(query: string, ...flags: readonly string[]): Report {
  // Invariants are no part of a bundle: `policy fuzz` holds them.
  const ignored = ["cases", "schemas", "invariants"].flatMap((name) => ["--ignore", name]);
  return JSON.parse(
    runOpa(opa ?? ["opa"], ["eval", "-f", "json", ...flags, ...ignored, ...sources, query], root),
  ) as Report;
}

/** Tests of `rows_test.rego` that do not hold. */
function failing(): string[] {
  const names = [...readFileSync(rowTests, "utf8").matchAll(/^(test_\w+)/gm)].map(([, name = ""]) => name);
  const [result] = evaluate("data.rows_test").result;
  const values = (result?.expressions[0]?.value ?? {}) as Readonly<Record<string, unknown>>;
  return names.filter((name) => values[name] !== true);
}

/** What rows, grants, cuts and the tests of the library evaluate. */
const measured = [
  "rows_test.test_every_row_holds",
  "rows_test.test_grants_carry_the_session",
  "rows_test.test_cuts_are_as_written",
  "rows_test.test_mask",
  "sallyport.lib.topics_test",
  "sallyport.lib.templates_test",
  "sallyport.lib.version_test",
];

function uncovered(): { readonly percent: number; readonly places: readonly string[] } {
  const { coverage } = evaluate(`[${measured.map((name) => `data.${name}`).join(", ")}]`, "--coverage");
  const files = Object.entries(coverage?.files ?? {}).filter(
    ([file]) => file.startsWith("policies/") && !file.endsWith("_test.rego"),
  );
  const seen = files.reduce((sum, [, file]) => sum + (file.covered_lines ?? 0), 0);
  const missed = files.reduce((sum, [, file]) => sum + (file.not_covered_lines ?? 0), 0);
  const places = files.flatMap(([file, { not_covered = [] }]) =>
    not_covered.map(({ start }) => `${file}:${start.row}`),
  );
  return { percent: (seen / (seen + missed)) * 100, places };
}

try {
  writeFileSync(tables, JSON.stringify(rowsDocument()));
  const failed = failing();
  for (const name of failed)
    console.log(`FAIL ${name}; \`npx vitest run test/policies/rows\` says which row`);
  const { percent, places } = uncovered();
  console.log(`the rows evaluate ${percent.toFixed(1)} % of the policies (at least ${thresholdPercent} %)`);
  const low = !(percent >= thresholdPercent);
  if (low) console.log(`not evaluated: ${places.join(" ")}`);
  if (low || failed.length > 0) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
