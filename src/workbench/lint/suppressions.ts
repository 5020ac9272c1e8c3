/**
 * `# sallyport:ignore CODE because ...` at the end of a line or on the line above takes a finding back. The reason
 * is not optional, and a comment that takes nothing back is a finding itself.
 */
import type { Finding } from "../finding.ts";
import type { LintFile } from "./lint.ts";

const form = /^\s*sallyport:ignore\b\s*(\S*)\s*(.*)$/;

interface Ignore {
  readonly file: string;
  readonly row: number;
  readonly col: number;
  readonly code: string;
  readonly reason: string;
  /** Rows that it speaks of. */
  readonly rows: readonly number[];
}

function ignoresOf({ path, scope, text }: LintFile): Ignore[] {
  const lines = text.split("\n");
  return (scope.module.comments ?? []).flatMap(({ Text, Location: { row, col } }) => {
    const found = form.exec(Buffer.from(Text, "base64").toString("utf8"));
    if (found === null) return [];
    const [, code = "", reason = ""] = found;
    let next = row;
    while (/^\s*#/.test(lines[next] ?? "")) next++;
    const alone = /^\s*#/.test(lines[row - 1] ?? "");
    return [{ file: path, row, col, code, reason, rows: alone ? [next + 1] : [row] }];
  });
}

/** What remains of findings, and what is wrong with the comments that take some back. */
export function suppress(files: readonly LintFile[], findings: readonly Finding[]): Finding[] {
  const ignores = files.flatMap(ignoresOf);
  const used = new Set<Ignore>();
  const kept = findings.filter(({ file, row, code }) => {
    const ignore = ignores.find(
      (each) => each.file === file && each.code === code && each.rows.includes(row),
    );
    if (ignore === undefined) return true;
    used.add(ignore);
    return false;
  });
  return [...kept, ...ignores.flatMap((ignore) => objectionTo(ignore, used.has(ignore)))];
}

function objectionTo({ file, row, col, code, reason }: Ignore, used: boolean): Finding[] {
  const place = { file, row, col };
  if (code === "" || reason === "") {
    const message = "a finding is ignored without a reason";
    return [{ code: "ignore-without-reason", ...place, message, fix: "write `# sallyport:ignore CODE why`" }];
  }
  if (used) return [];
  const message = `there is no \`${code}\` to ignore here`;
  return [{ code: "unused-ignore", ...place, message, fix: "remove the comment" }];
}
