/** The end of a command's help: what to type, one line each. */
export function examples(...lines: readonly (readonly [what: string, line: string])[]): string {
  return `\nExamples:\n${lines.map(([what, line]) => `  # ${what}\n  $ ${line}\n`).join("")}`;
}
