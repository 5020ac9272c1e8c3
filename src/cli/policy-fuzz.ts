/** `sallyport policy fuzz`. */
import { writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import type { FuzzReport } from "../workbench/fuzz/fuzz-policy.ts";
import { examples } from "./examples.ts";
import { reportingFindings, shownPath } from "./findings-page.ts";
import { alignCells, emphasise, renderRows } from "./page.ts";
import { Progress } from "./progress.ts";
import { visible } from "./visible.ts";

interface Flags {
  readonly runs: number;
  readonly seed?: number;
  readonly fleet?: string;
  readonly junit?: string;
  readonly json?: true;
}

type Word = (found: FuzzReport["counterexamples"][number]) => readonly string[];

function page(folder: string, report: FuzzReport, statements: number, word: Word, tookMs: number): string {
  const failures = report.counterexamples
    .map((found) => {
      const place = found.file === undefined ? "" : `${shownPath(folder, found.file)}:${found.row} `;
      const lines = word(found).map((line) => `    ${visible(line)}\n`);
      return `${emphasise("bad", "VIOLATED")} ${place}${visible(found.invariant)}\n${lines.join("")}`;
    })
    .join("");
  const asked = Object.entries(report.asked).map(([ask, { allowed, denied }]) => [
    ask,
    `${allowed} allowed,`,
    `${denied} denied`,
  ]);
  const rows = renderRows([
    ["seed", String(report.seed)],
    ["invariants", `${statements} stated, 3 of every policy`],
    ["situations", `${report.runs}, from ${report.bases} to start with`],
    ["answers", ...alignCells(asked.sort())],
    ["", `${report.refused} refused before the policy, ${report.reasons} different reasons`],
  ]);
  const count = report.counterexamples.length;
  const verdict =
    count === 0
      ? emphasise("good", "nothing found")
      : emphasise("bad", `${count} ${count === 1 ? "invariant" : "invariants"} violated`);
  return `${failures}${rows}${verdict} in ${(tookMs / 1000).toFixed(1)} s\n`;
}

async function fuzz(folder: string, flags: Flags): Promise<void> {
  const started = performance.now();
  const [
    { fuzzPolicy },
    { openFuzz },
    { renderFuzzJunit, wordCounterexample },
    { needOpa },
    { openProject },
  ] = await Promise.all([
    import("../workbench/fuzz/fuzz-policy.ts"),
    import("../workbench/fuzz/open-fuzz.ts"),
    import("../workbench/fuzz/fuzz-junit.ts"),
    import("../workbench/opa.ts"),
    import("../workbench/project.ts"),
  ]);
  const now = Math.floor(Date.now() / 1000);
  const fleet = flags.fleet === undefined ? undefined : { path: flags.fleet, now };
  const ground = await openFuzz(needOpa(), openProject(folder), fleet);
  const seed = flags.seed ?? Math.floor(Math.random() * 2 ** 31);
  const progress = new Progress("fuzzing", flags.runs);
  const report = fuzzPolicy({ ...ground, seed, runs: flags.runs, asked: (count) => progress.at(count) });
  progress.done();
  const { statements } = ground.invariants;
  const tookMs = performance.now() - started;
  if (flags.junit !== undefined)
    writeFileSync(flags.junit, renderFuzzJunit(report, statements, tookMs / 1000));
  const passed = report.counterexamples.length === 0;
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ passed, invariants: statements, ...report })}\n`
      : page(folder, report, statements.length, wordCounterexample, tookMs),
  );
  if (!passed) process.exitCode = 2;
}

function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError("give a whole number above 0.");
}

function parseSeed(text: string): number {
  if (/^-?\d{1,10}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("give a whole number.");
}

/** Adds the command. */
export function policyFuzz(parent: Command): void {
  parent
    .command("fuzz")
    .summary("look for answers that must never be")
    .description(
      "Generate situations and look for an answer that the invariants of a project (invariants/*.rego) forbid, on the\n" +
        "compiled module. Situations start from its decision tables and from a fleet, ask each other's questions, and have\n" +
        "facts changed within their schemas and near the thresholds. Held of every policy: each question has one\n" +
        "well-formed answer; no stated harm and no absent fact turns a denial into an allow. What is found is shrunk to\n" +
        "the least. The same seed and sources give the same report.\n" +
        "Exit code: 0 nothing found, 2 an invariant is violated, 1 error.",
    )
    .argument("[dir]", "folder of the project", ".")
    .option("--runs <n>", "situations to try", parseCount, 5000)
    .option("--seed <n>", "seed of an earlier run; default: a new one, which is printed", parseSeed)
    .option("--fleet <file>", "fleet file, NDJSON: start from its devices too")
    .option("--junit <file>", "write a JUnit report too: a test for each invariant")
    .option("--json", "JSON on one line; findings as {findings: [...]}")
    .addHelpText(
      "after",
      examples(
        ["the policy of this repository", "sallyport policy fuzz policies"],
        ["longer, in CI", "sallyport policy fuzz policies --runs 50000 --junit fuzz.xml"],
      ),
    )
    .action((folder: string, flags: Flags) =>
      reportingFindings(folder, flags.json === true, () => fuzz(folder, flags)),
    );
}
