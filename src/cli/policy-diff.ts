/** `sallyport policy diff`. */
import type { Command } from "commander";
import { Fault } from "../runtime/fault.ts";
import type { PolicyParts } from "../workbench/diff-fleet.ts";
import type { PolicyDiff } from "../workbench/diff-policies.ts";
import type { FleetQuestion, Sample } from "../workbench/fleet-questions.ts";
import { examples } from "./examples.ts";
import { reportingFindings } from "./findings-page.ts";
import { alignCells, emphasise, renderRows } from "./page.ts";
import { Progress } from "./progress.ts";
import { readFileOf } from "./read-argument.ts";
import { visible } from "./visible.ts";

interface Flags {
  readonly fleet?: string;
  readonly questions?: string;
  readonly log?: string;
  readonly cases?: string;
  readonly at?: string;
  readonly limit: string;
  readonly json?: true;
}

async function readQuestions(path: string | undefined): Promise<readonly FleetQuestion[]> {
  const { defaultQuestions } = await import("../workbench/fleet-questions.ts");
  if (path === undefined) return defaultQuestions;
  const [{ readYamlFile }, { isFacts }] = await Promise.all([
    import("../workbench/yaml-file.ts"),
    import("../workbench/facts.ts"),
  ]);
  const { value } = readYamlFile(path, readFileOf("--questions", path).toString("utf8"));
  const fits = (one: unknown): one is FleetQuestion =>
    isFacts(one) && typeof one["ask"] === "string" && (one["given"] === undefined || isFacts(one["given"]));
  if (Array.isArray(value) && value.length > 0 && value.every(fits)) {
    return value.map(({ ask, given }: FleetQuestion) => ({ ask, given: given ?? {} }));
  }
  throw new Fault("request_invalid", `\`${path}\` is no list of questions, each with \`ask\` and \`given\``);
}

interface Gathered {
  readonly samples: readonly Sample[];
  readonly notes: readonly string[];
}

/** The questions of decision tables and of a log. */
async function gather(flags: Flags, project: string | undefined): Promise<Gathered> {
  const samples: Sample[] = [];
  const notes: string[] = [];
  const cases = flags.cases ?? project;
  if (cases !== undefined) {
    const [{ readCases }, { openProject }] = await Promise.all([
      import("../workbench/cases.ts"),
      import("../workbench/project.ts"),
    ]);
    const rows = readCases(openProject(cases)).filter(({ ask }) => ask !== "grants");
    for (const { id, ask, facts } of rows) samples.push({ from: id, ask, facts });
    notes.push(`${rows.length} cases`);
  }
  if (flags.log !== undefined) {
    const { readLogQuestions } = await import("../workbench/log-questions.ts");
    const { samples: recorded, skipped } = await readLogQuestions(flags.log);
    const asked = recorded.filter(({ ask }) => ask !== "grants");
    for (const each of asked) samples.push(each);
    notes.push(`${asked.length} recorded decisions (${skipped} events without a whole input)`);
  }
  if (flags.fleet === undefined && notes.length === 0)
    throw new Fault("request_invalid", "say what to ask: --fleet, --log or --cases");
  return { samples, notes };
}

/** The questions of a fleet, in as many threads as there are processors. */
async function overFleet(
  before: PolicyParts,
  after: PolicyParts,
  path: string,
  flags: Flags,
): Promise<{ readonly diff: PolicyDiff; readonly note: string }> {
  const now = flags.at === undefined ? Math.floor(Date.now() / 1000) : Date.parse(flags.at) / 1000;
  if (!Number.isFinite(now))
    throw new Fault("request_invalid", `\`${flags.at}\` is no time; write 2026-01-31T12:00:00Z`);
  const [{ diffFleet }, { countLines }, questions] = await Promise.all([
    import("../workbench/diff-fleet.ts"),
    import("../workbench/count-lines.ts"),
    readQuestions(flags.questions),
  ]);
  const progress = new Progress("asking both", (await countLines(path)) * questions.length);
  try {
    const comparison = { before, after, path, now, questions };
    const { diff, devices, invalid } = await diffFleet(comparison, (count) => progress.at(count));
    const note = `${devices} devices, ${questions.length} questions each (${invalid} invalid records)`;
    return { diff, note };
  } finally {
    progress.done();
  }
}

function page(
  diff: PolicyDiff,
  head: readonly [string, string],
  notes: readonly string[],
  limit: number,
  tookS: number,
): string {
  const table = diff.groups
    .slice(0, limit)
    .map((group) => [
      String(group.count),
      group.change,
      group.ask,
      group.tenant,
      group.class,
      group.firmware,
      group.before === group.after ? group.after : `${group.before} -> ${group.after}`,
      group.example,
    ]);
  const title =
    diff.changed === 0 ? "no decision changes" : `${diff.changed} of ${diff.asked} decisions change`;
  const totals = Object.entries(diff.totals).filter(([, count]) => count > 0);
  const more = diff.groups.length - table.length;
  const rows = renderRows([
    ["from", head[0]],
    ["to", head[1]],
    ["asked", ...notes],
    ["changes", ...alignCells(totals.map(([name, count]) => [String(count), name]))],
    ["took", `${tookS.toFixed(1)} s`],
  ]);
  const cells =
    table.length === 0
      ? []
      : alignCells([["count", "change", "ask", "tenant", "class", "firmware", "reason", "first"], ...table]);
  const tail = more > 0 ? `  and ${more} more groups; --limit shows them\n` : "";
  return `${emphasise(diff.changed === 0 ? "good" : "bad", title)}\n${rows}${cells.map((line) => `  ${visible(line)}\n`).join("")}${tail}`;
}

async function diff(old: string, young: string, flags: Flags): Promise<void> {
  const startedMs = performance.now();
  const limit = Number(flags.limit);
  if (!Number.isInteger(limit) || limit < 1)
    throw new Fault("request_invalid", `\`${flags.limit}\` is no number of groups`);
  const [{ diffPolicies, mergeDiffs }, { openPolicy }] = await Promise.all([
    import("../workbench/diff-policies.ts"),
    import("../workbench/open-policy.ts"),
  ]);
  const before = await openPolicy(old);
  const after = await openPolicy(young);
  const { samples, notes } = await gather(flags, after.project?.dir);
  const progress = new Progress("asking both", samples.length);
  const diffs = [diffPolicies(before.host, after.host, samples, (done) => progress.at(done))];
  progress.done();
  const told = [...notes];
  if (flags.fleet !== undefined) {
    const { diff: fleet, note } = await overFleet(before.parts, after.parts, flags.fleet, flags);
    diffs.push(fleet);
    told.push(note);
  }
  const found = mergeDiffs(diffs);
  const head = [before.revision, after.revision] as const;
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ from: head[0], to: head[1], ...found })}\n`
      : page(found, head, told, limit, (performance.now() - startedMs) / 1000),
  );
  if (found.changed > 0) process.exitCode = 2;
}

/** Adds the command. */
export function policyDiff(parent: Command): void {
  parent
    .command("diff")
    .summary("which decisions change between two policies")
    .description(
      "Ask two policies the same questions and group the answers that differ: the review of a policy change.\n" +
        "OLD and NEW are bundles, or project folders, which are built. Questions are the cases of NEW's folder, a fleet\n" +
        "file, a decision log, or all of them. Exit code: 0 nothing changes, 2 decisions change, 1 error.",
    )
    .argument("<old>", "bundle or project folder")
    .argument("<new>", "bundle or project folder")
    .option(
      "--fleet <file>",
      "fleet file, NDJSON: each device connects and publishes, through its first gateway where it has one",
    )
    .option(
      "--questions <file>",
      "what each device asks instead: YAML, a list of `ask` and `given` (a merge patch)",
    )
    .option("--at <time>", "the moment of the fleet's questions, RFC 3339; default: now")
    .option("--log <file>", "decision log, NDJSON: what was asked is asked again, at the moment it was")
    .option("--cases <dir>", "project folder with the cases; default: NEW's, where it is a folder")
    .option("--limit <n>", "groups to show", "20")
    .option("--json", "JSON on one line, all groups")
    .addHelpText(
      "after",
      examples(
        [
          "a change against the bundle in force, over its cases",
          "sallyport policy diff bundles/sallyport.tar.gz policies",
        ],
        [
          "over a fleet",
          "sallyport policy diff bundles/sallyport.tar.gz policies --fleet examples/quickstart/fleet.seed.ndjson",
        ],
      ),
    )
    .action((old: string, young: string, flags: Flags) =>
      reportingFindings(young, flags.json === true, () => diff(old, young, flags)),
    );
}
