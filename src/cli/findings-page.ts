/** Findings for people and for programs. */
import path from "node:path";
import { type Finding, findingsIn, placeOf, sortFindings } from "../workbench/finding.ts";
import { emphasise } from "./page.ts";
import { visible } from "./visible.ts";

/** A path inside a project as the reader of this terminal would type it. */
export function shownPath(dir: string, file: string): string {
  const whole = path.resolve(dir, file);
  const shown = path.relative(process.cwd(), whole);
  return shown.startsWith("..") ? whole : shown || ".";
}

/** `file:row:col: what is wrong [code]`, and below it how to mend it. */
export function renderFindings(dir: string, findings: readonly Finding[]): string {
  return sortFindings(findings)
    .map(({ code, message, fix, ...place }) => {
      const where = placeOf({ ...place, file: shownPath(dir, place.file) });
      const mend = fix === undefined ? "" : `    ${visible(fix)}\n`;
      return `${visible(where)}: ${visible(message)} ${emphasise("quiet", `[${code}]`)}\n${mend}`;
    })
    .join("");
}

/**
 * Runs a command; findings that it throws are printed, one or two lines each (JSON: `{"findings": [...]}`), and
 * the exit code is 1. Anything else is thrown on.
 */
export async function reportingFindings(dir: string, json: boolean, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    const findings = findingsIn(thrown);
    if (findings.length === 0) throw thrown;
    if (json) process.stdout.write(`${JSON.stringify({ findings: sortFindings(findings) })}\n`);
    else process.stderr.write(renderFindings(dir, findings));
    process.exitCode = 1;
  }
}
