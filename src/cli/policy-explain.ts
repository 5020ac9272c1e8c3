/** `sallyport policy explain`. */
import type { Command } from "commander";
import type { FailedRule, HeldRule, Trace } from "../workbench/explain.ts";
import { examples } from "./examples.ts";
import { reportingFindings, shownPath } from "./findings-page.ts";
import { alignCells, emphasise } from "./page.ts";
import { renderTold, toldJson } from "./policy-answer-page.ts";
import { type AskFlags, askAs, withAsk } from "./policy-ask.ts";
import { visible } from "./visible.ts";

interface Flags extends AskFlags {
  readonly all?: true;
}

/** Rules that give the reason, each with the rules below it that did not hold; then all that held, as asked. */
function renderTrace(dir: string, { held, failed }: Trace, all: boolean): string {
  const place = (file: string, row: number): string => `${shownPath(dir, file)}:${row}`;
  const failure = ({ file, row, at }: FailedRule): string[] => [
    `    ${place(file, at.row)}`,
    at.row === row ? `does not hold: ${at.text}` : `fails in its rule: ${at.text}`,
  ];
  const giving = held.filter(({ gives }) => gives);
  const because = giving.flatMap((rule: HeldRule) => [
    [`  ${place(rule.file, rule.row)}`, rule.text],
    ...failed.filter(({ askedBy }) => askedBy === `${rule.file}:${rule.row}`).map(failure),
  ]);
  const tree = held.map(({ file, row, text, depth }) => [
    `  ${place(file, row)}`,
    `${"  ".repeat(depth)}${text}`,
  ]);
  const sections: [title: string, lines: string[][]][] = [
    ["gives the reason", because],
    ["rules that held", tree],
    ["rules that did not", all ? failed.map(failure) : []],
  ];
  return sections
    .filter(([, lines]) => lines.length > 0)
    .map(
      ([title, lines]) =>
        `${emphasise("quiet", title)}\n${alignCells(lines)
          .map((line) => `${visible(line)}\n`)
          .join("")}`,
    )
    .join("");
}

async function explain(folder: string, flags: Flags): Promise<void> {
  const [{ tracePolicy }, { needOpa }] = await Promise.all([
    import("../workbench/explain.ts"),
    import("../workbench/opa.ts"),
  ]);
  const { project, told } = await askAs(folder, flags);
  const trace =
    told.input === undefined
      ? { held: [], failed: [] }
      : await tracePolicy(needOpa(), project, told.entrypoint, told.input, told.answer?.reason ?? "");
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ ...toldJson(told), ...trace })}\n`
      : renderTold(told) + renderTrace(folder, trace, flags.all === true),
  );
  if (!told.alike) process.exitCode = 2;
}

/** Adds the command. */
export function policyExplain(parent: Command): void {
  const command = parent
    .command("explain")
    .summary("why a policy answers as it does")
    .description(
      "Ask as `policy eval` does, and say why: the rules that gave the reason and the statements below them that\n" +
        "failed, then all rules that held, with file and line, from OPA's trace on the same input.\n" +
        "Exit code: 0 answered, 2 the two engines differ, 1 error.",
    )
    .argument("[dir]", "folder of the project", ".");
  withAsk(command)
    .option("--all", "list the rules that did not hold too, each with the statement that failed")
    .option("--json", "JSON on one line: the answer, held and failed rules")
    .addHelpText(
      "after",
      examples(
        ["a case of the decision tables", "sallyport policy explain policies --case commands#3"],
        ["facts of one's own", "sallyport policy explain policies --ask publish --input facts.yaml"],
      ),
    )
    .action((folder: string, flags: Flags) =>
      reportingFindings(folder, flags.json === true, () => explain(folder, flags)),
    );
}
