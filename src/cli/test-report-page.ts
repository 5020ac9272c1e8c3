/** A test report for people and for programs. */
import { wordDifference } from "../workbench/junit.ts";
import type { CaseOutcome, Divergence } from "../workbench/run-cases.ts";
import type { TestReport } from "../workbench/test-policy.ts";
import { shownPath } from "./findings-page.ts";
import { alignCells, emphasise } from "./page.ts";
import { visible } from "./visible.ts";

/** A report with what was asked of it. */
export interface ToldReport {
  readonly report: TestReport;
  readonly threshold: number | undefined;
  readonly passed: boolean;
  readonly tookMs: number;
}

function renderCase(dir: string, { row, answer, differences }: CaseOutcome): string {
  const head = `${emphasise("bad", "FAILED")} ${shownPath(dir, row.file)}:${row.row} ${visible(row.name)}`;
  const lines = differences.map(wordDifference);
  if (answer.detail !== undefined) lines.push(`because: ${answer.detail}`);
  if (answer.findings.length > 0) lines.push(`findings: ${answer.findings.join(", ")}`);
  return `${head}\n${lines.map((line) => `    ${visible(line)}\n`).join("")}`;
}

function renderDivergence(dir: string, { row, wasm, opa }: Divergence): string {
  return (
    `${emphasise("bad", "DIFFERS")} ${shownPath(dir, row.file)}:${row.row} ${visible(row.name)}\n` +
    `    compiled: ${visible(JSON.stringify(wasm) ?? "undefined")}\n    by OPA:   ${visible(JSON.stringify(opa) ?? "undefined")}\n`
  );
}

function ranges(rows: readonly number[]): string {
  const parts: string[] = [];
  for (let at = 0; at < rows.length; ) {
    let end = at;
    while (rows[end + 1] === (rows[end] as number) + 1) end++;
    parts.push(end === at ? `${rows[at]}` : `${rows[at]}-${rows[end]}`);
    at = end + 1;
  }
  return parts.join(", ");
}

/** Failures first, then a summary of three or four lines. */
export function renderTestReport(dir: string, told: ToldReport, listMissed: boolean): string {
  const { tests, cases, divergences, coverage } = told.report;
  let text = "";
  for (const { state, name, detail, file, row } of tests) {
    if (state !== "failed") continue;
    text += `${emphasise("bad", "FAILED")} ${shownPath(dir, file)}:${row} ${name}\n    ${visible(detail ?? "")}\n`;
  }
  const failed = cases.filter(({ differences }) => differences.length > 0);
  for (const each of failed) text += renderCase(dir, each);
  for (const each of divergences) text += renderDivergence(dir, each);
  if (coverage !== undefined && listMissed) {
    const missed = coverage.files.filter((file) => file.missed.length > 0);
    text += alignCells(
      missed.map((file) => [shownPath(dir, file.file), `not evaluated: ${ranges(file.missed)}`]),
    )
      .map((line) => `${line}\n`)
      .join("");
  }
  const count = (state: string): number => tests.filter((test) => test.state === state).length;
  const skipped = count("skipped") === 0 ? "" : `, ${count("skipped")} skipped`;
  text += `Rego tests   ${count("passed")} passed, ${count("failed")} failed${skipped}\n`;
  text += `cases        ${cases.length - failed.length} passed, ${failed.length} failed\n`;
  text += `by OPA       ${divergences.length === 0 ? "the same answers" : `${divergences.length} answers differ`}\n`;
  if (coverage !== undefined) {
    const needed = told.threshold === undefined ? "" : `, needed ${told.threshold} %`;
    text += `coverage     ${coverage.percent} %${needed}\n`;
  }
  const verdict = told.passed ? emphasise("good", "passed") : emphasise("bad", "FAILED");
  return `${text}${verdict} in ${(told.tookMs / 1000).toFixed(1)} s\n`;
}

/** The same for programs. */
export function testReportJson({ report, threshold, passed }: ToldReport): object {
  return {
    passed,
    tests: report.tests,
    cases: report.cases.map(({ row, answer, differences }) => ({
      id: row.id,
      name: row.name,
      file: row.file,
      row: row.row,
      ask: row.ask,
      passed: differences.length === 0,
      allow: answer.allow,
      reason: answer.reason,
      differences,
      ...(answer.detail === undefined ? {} : { detail: answer.detail }),
    })),
    differs: report.divergences.map(({ row, wasm, opa }) => ({
      id: row.id,
      wasm: wasm ?? null,
      opa: opa ?? null,
    })),
    coverage: report.coverage ?? null,
    threshold: threshold ?? null,
  };
}
