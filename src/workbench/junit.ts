/** A test report as JUnit XML, which every CI reads. */
import { type Finding, placeOf } from "./finding.ts";
import type { Difference } from "./run-cases.ts";
import type { TestReport } from "./test-policy.ts";

/** One test of a report. */
export interface XmlCase {
  readonly suite: string;
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly seconds: number;
  readonly failure: string | undefined;
  readonly skipped: boolean;
}

// XML 1.0 has no place for most control characters, not even escaped.
const unprintable = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

function escapeXml(text: string): string {
  return text
    .replace(unprintable, "\u{fffd}")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** One difference as a line. */
export function wordDifference({ field, expected, actual }: Difference): string {
  const said = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));
  return `${field}: expected ${said(expected)}, got ${said(actual)}`;
}

function casesOf(report: TestReport): XmlCase[] {
  const diverging = new Map(report.divergences.map((each) => [each.row, each]));
  return [
    ...report.tests.map((test) => ({
      suite: "rego",
      name: test.name,
      file: test.file,
      line: test.row,
      seconds: test.durationMs / 1000,
      failure: test.state === "failed" ? (test.detail ?? "failed") : undefined,
      skipped: test.state === "skipped",
    })),
    ...report.cases.map(({ row, differences, answer }) => {
      const divergence = diverging.get(row);
      const lines = [
        ...differences.map(wordDifference),
        ...(differences.length > 0 && answer.detail !== undefined ? [answer.detail] : []),
        ...(divergence === undefined
          ? []
          : [`compiled: ${JSON.stringify(divergence.wasm)}, by OPA: ${JSON.stringify(divergence.opa)}`]),
      ];
      return {
        suite: "cases",
        name: `${row.id} ${row.name}`,
        file: row.file,
        line: row.row,
        seconds: 0,
        failure: lines.length === 0 ? undefined : lines.join("\n"),
        skipped: false,
      };
    }),
  ];
}

/** The report as XML text. */
export function renderJunit(report: TestReport): string {
  return renderSuites("sallyport policy test", casesOf(report));
}

/** What `policy check` found as XML text: a failed test for each finding, one that passed where there is none. */
export function renderFindingsJunit(findings: readonly Finding[]): string {
  const base = { suite: "check", seconds: 0, skipped: false };
  const passed = { ...base, name: "nothing to object", file: ".", line: 1, failure: undefined };
  const failed = findings.map((finding): XmlCase => {
    const { code, file, row, message, fix } = finding;
    const failure = [`${placeOf(finding)}: ${message}`, ...(fix === undefined ? [] : [fix])].join("\n");
    return { ...base, name: `${code} ${file}:${row}`, file, line: row, failure };
  });
  return renderSuites("sallyport policy check", failed.length === 0 ? [passed] : failed);
}

/** Tests as XML text, grouped by their suites. */
export function renderSuites(title: string, all: readonly XmlCase[]): string {
  const suites = [...new Set(all.map(({ suite }) => suite))].map((suite) => {
    const own = all.filter((each) => each.suite === suite);
    const failures = own.filter(({ failure }) => failure !== undefined).length;
    const skipped = own.filter((each) => each.skipped).length;
    const lines = own.map(({ name, file, line, seconds, failure, skipped: left }) => {
      const head = `    <testcase classname="${suite}" name="${escapeXml(name)}" file="${escapeXml(file)}" line="${line}" time="${seconds.toFixed(6)}"`;
      if (left) return `${head}><skipped/></testcase>`;
      if (failure === undefined) return `${head}/>`;
      const message = escapeXml(failure.split("\n")[0] ?? "");
      return `${head}><failure message="${message}">${escapeXml(failure)}</failure></testcase>`;
    });
    return `  <testsuite name="${suite}" tests="${own.length}" failures="${failures}" skipped="${skipped}">\n${lines.join("\n")}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${escapeXml(title)}">\n${suites.join("\n")}\n</testsuites>\n`;
}
