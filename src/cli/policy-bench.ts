/** `sallyport policy bench`. */
import { type Command, InvalidArgumentError } from "commander";
import { Fault } from "../runtime/fault.ts";
import type { EntrypointTimes } from "../workbench/bench/bench-policy.ts";
import type { HotRule } from "../workbench/bench/hot-rules.ts";
import type { Sample } from "../workbench/fleet-questions.ts";
import type { PolicyProject } from "../workbench/project.ts";
import { examples } from "./examples.ts";
import { reportingFindings, shownPath } from "./findings-page.ts";
import { alignCells, renderRows } from "./page.ts";
import { readFileOf } from "./read-argument.ts";
import { visible } from "./visible.ts";

interface Flags {
  readonly ask?: string;
  readonly input?: string;
  readonly fleet?: string;
  readonly generate?: number;
  readonly seed: number;
  readonly seconds: number;
  readonly rules: number;
  readonly json?: true;
}

/** More would say no more: OPA interprets, and each input costs it milliseconds. */
const profiledMost = 500;

async function gather(project: PolicyProject, flags: Flags): Promise<readonly Sample[]> {
  if (flags.input !== undefined) {
    if (flags.ask === undefined)
      throw new Fault("request_invalid", "say what to ask with `--input`: give `--ask ENTRYPOINT`");
    const [{ readYamlFile }, { isFacts }] = await Promise.all([
      import("../workbench/yaml-file.ts"),
      import("../workbench/facts.ts"),
    ]);
    const { value } = readYamlFile(flags.input, readFileOf("--input", flags.input).toString("utf8"));
    if (!isFacts(value)) throw new Fault("request_invalid", `\`${flags.input}\` holds no object of facts`);
    return [{ from: flags.input, ask: flags.ask, facts: value }];
  }
  const samples: Sample[] = [];
  if (flags.fleet !== undefined) {
    const { defaultQuestions, fleetSamples, readFleetRecords } = await import(
      "../workbench/fleet-questions.ts"
    );
    const now = Math.floor(Date.now() / 1000);
    samples.push(...fleetSamples(await readFleetRecords(flags.fleet, now), defaultQuestions, now));
  } else {
    const { readCases } = await import("../workbench/cases.ts");
    samples.push(...readCases(project).map(({ id, ask, facts }) => ({ from: id, ask, facts })));
  }
  if (flags.generate !== undefined) {
    const { generateSituations } = await import("../workbench/fuzz/situations.ts");
    const ground = { schemas: project.schemas, data: {}, cuts: {}, bases: samples };
    samples.push(...generateSituations(ground, flags.generate, flags.seed));
  }
  return asked(samples, flags.ask);
}

/** Those that ask one entrypoint, or all. */
function asked(samples: readonly Sample[], ask: string | undefined): readonly Sample[] {
  const found = ask === undefined ? samples : samples.filter((sample) => sample.ask === ask);
  if (found.length > 0 || samples.length === 0) return found;
  const others = [...new Set(samples.map((sample) => sample.ask))].sort().join(", ");
  throw new Fault("request_invalid", `nothing asks \`${ask}\` here: give \`--ask\` one of ${others}`);
}

function page(
  folder: string,
  times: readonly EntrypointTimes[],
  rules: readonly HotRule[],
  refused: number,
): string {
  const us = (value: number): string => value.toFixed(1);
  const table = alignCells([
    ["entrypoint", "p50 us", "p99 us", "empty p50", "ratio", "inputs", "bytes", "evaluations"],
    ...times.map((of) => [
      of.ask,
      us(of.p50Us),
      us(of.p99Us),
      us(of.emptyP50Us),
      of.ratio.toFixed(2),
      String(of.inputs),
      String(of.inputBytes),
      String(of.evaluations),
    ]),
  ]);
  const hot = alignCells(
    rules.map(({ file, row, text, share }) => [
      `${(share * 100).toFixed(1)} %`,
      `${shownPath(folder, file)}:${row}`,
      text,
    ]),
  );
  const left = refused === 0 ? "" : renderRows([["left out", `${refused} that the service refuses itself`]]);
  const tail =
    rules.length === 0
      ? ""
      : `hottest rules, by OPA's profiler on the same inputs\n${hot.map((line) => `  ${visible(line)}\n`).join("")}`;
  return `${table.map((line) => `${visible(line)}\n`).join("")}${left}${tail}`;
}

async function bench(folder: string, flags: Flags): Promise<void> {
  const [{ benchPolicy }, { openBench }, { hotRules }, { needOpa }, { openProject }] = await Promise.all([
    import("../workbench/bench/bench-policy.ts"),
    import("../workbench/bench/open-bench.ts"),
    import("../workbench/bench/hot-rules.ts"),
    import("../workbench/opa.ts"),
    import("../workbench/project.ts"),
  ]);
  const opa = needOpa();
  const project = openProject(folder);
  const { asked, refused, ...ground } = await openBench(opa, project, await gather(project, flags));
  const times = benchPolicy({
    ...ground,
    inputs: asked.map(({ entrypoint, input }) => ({ ask: entrypoint, json: JSON.stringify(input) })),
    seconds: flags.seconds,
    nowMs: () => performance.now(),
  });
  const step = Math.max(1, Math.ceil(asked.length / profiledMost));
  const profiled = asked.filter((_, at) => at % step === 0);
  const rules = flags.rules === 0 ? [] : await hotRules(opa, project, profiled, flags.rules);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ entrypoints: times, refused, rules })}\n`
      : page(folder, times, rules, refused),
  );
}

function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("give a whole number.");
}

function parseSeconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value <= 3600) return value;
  throw new InvalidArgumentError("give seconds, as 0.5.");
}

/** Adds the command. */
export function policyBench(parent: Command): void {
  parent
    .command("bench")
    .summary("how long each entrypoint takes, and which rules")
    .description(
      "Measure a project on the compiled module: p50 and p99 of each entrypoint in microseconds, beside an empty policy on\n" +
        "the same inputs, and the rules that take longest by OPA's profiler. Inputs are the project's cases, a fleet, one\n" +
        "file of facts, and generated ones. Exit code: 0, or 1 for an error.",
    )
    .argument("[dir]", "folder of the project", ".")
    .option("--ask <entrypoint>", "only this entrypoint")
    .option("--input <file>", "facts to ask with `--ask`, YAML or JSON; - for standard input")
    .option("--fleet <file>", "fleet file, NDJSON, instead of the cases: each device connects and publishes")
    .option("--generate <n>", "add generated situations, as fuzz makes them", parseCount)
    .option("--seed <n>", "seed of the generated ones", parseCount, 1)
    .option("--seconds <s>", "time for each entrypoint", parseSeconds, 1)
    .option("--rules <n>", "rules to show", parseCount, 10)
    .option("--json", "JSON on one line; findings as {findings: [...]}")
    .addHelpText(
      "after",
      examples(
        ["the policy of this repository", "sallyport policy bench policies"],
        ["one question", "sallyport policy bench policies --ask connect --input facts.yaml"],
      ),
    )
    .action((folder: string, flags: Flags) =>
      reportingFindings(folder, flags.json === true, () => bench(folder, flags)),
    );
}
