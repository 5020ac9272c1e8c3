/** `sallyport rollout simulate`: plays a campaign through before it is shipped. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import type { ReleaseRecord, RolloutRecord } from "../decision/facts.ts";
import type { SimulationPlan } from "../eligibility/simulation.ts";
import { ManualClock, systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { ownFile } from "../runtime/own-files.ts";
import { examples } from "./examples.ts";
import { reportingFindings } from "./findings-page.ts";
import type { FleetFile } from "./fleet-file.ts";
import { parseMoment, parseSpan } from "./moment.ts";
import { readFileOf } from "./read-argument.ts";

interface Flags {
  readonly fleet: string;
  readonly scenario?: string;
  readonly plan?: string;
  readonly bundle?: string;
  readonly env?: string;
  readonly from: string;
  readonly for: string;
  readonly step: string;
  readonly devices?: true;
  readonly json?: true;
}

const shipped = ownFile("bundles/sallyport.tar.gz");
const held = 2;
const longestS = 366 * 86_400;
const mostRounds = 100_000;

async function planOf(
  release: string,
  fleet: FleetFile,
  from: number,
  flags: Flags,
): Promise<SimulationPlan> {
  const { readScenario, uneventful } = await import("./scenario-file.ts");
  const wanted = fleet.records.get(`release:${release}`) as ReleaseRecord | undefined;
  const reject = (what: string): Fault => {
    const why = fleet.invalid.find((line) => line.includes(`${what}:`));
    return new Fault(
      "not_found",
      `\`${flags.fleet}\` has no valid ${what}${why === undefined ? "" : ` (${why})`}`,
    );
  };
  if (wanted === undefined) throw reject(`release:${release}`);
  const rollout = fleet.records.get(`rollout:${wanted.rollout}`) as RolloutRecord | undefined;
  if (rollout === undefined) throw reject(`rollout:${wanted.rollout}`);
  const span = parseSpan(flags.for, "--for");
  const stepS = parseSpan(flags.step, "--step");
  if (stepS < 1 || span < 1 || span > longestS || span / stepS > mostRounds)
    throw new Fault(
      "request_invalid",
      `\`--for\` is at most ${longestS / 86_400} d and at most ${mostRounds} times \`--step\`, which is at least 1 s`,
    );
  const scenario =
    flags.scenario === undefined
      ? uneventful
      : readScenario(
          flags.scenario,
          readFileOf("--scenario", flags.scenario).toString("utf8"),
          from,
          rollout,
        );
  return { release, env: flags.env ?? wanted.env, from, until: from + span, stepS, ...scenario };
}

async function run(release: string, flags: Flags): Promise<void> {
  const [
    { readBundle },
    { loadBundle },
    { simulate },
    { Overrides },
    { readFleetFile },
    { renderSimulation },
  ] = await Promise.all([
    import("../bundle/read-bundle.ts"),
    import("../pdp/activation.ts"),
    import("../eligibility/simulate.ts"),
    import("../registry/overrides.ts"),
    import("./fleet-file.ts"),
    import("./simulation-page.ts"),
  ]);
  const from = parseMoment(flags.from, systemClock.now(), "--from");
  const fleet = await readFleetFile(flags.fleet, from);
  if (flags.plan !== undefined) {
    const { invalid, records } = await readFleetFile(flags.plan, from);
    for (const [key, record] of records) fleet.records.set(key, record);
    fleet.invalid.unshift(...invalid.map((line) => `${flags.plan}, ${line}`));
  }
  const plan = await planOf(release, fleet, from, flags);
  const clock = new ManualClock(from);
  using policy = await loadBundle(await readBundle(readFileOf("--bundle", flags.bundle ?? shipped)), from);
  const { snapshot } = policy;
  const dir = mkdtempSync(join(tmpdir(), "sallyport-simulate-"));
  try {
    await using overrides = await Overrides.open({
      dir,
      initialize: true,
      clock,
      reach: () => "everything",
      leavesMark: () => false,
    });
    const simulation = await simulate({ records: fleet.records, snapshot, clock, overrides }, plan);
    const { revision } = snapshot;
    const notes = [
      `${simulation.others} devices of other classes or tenants left out`,
      ...(fleet.invalid.length === 0
        ? []
        : [`${fleet.invalid.length} lines hold no valid record, the first: ${fleet.invalid[0]}`]),
    ];
    const { from: start, until, stepS } = plan;
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify({ release, bundle_revision: revision, from: start, until, step_s: stepS, ...simulation, invalid: fleet.invalid })}\n`
        : renderSimulation(simulation, plan, revision, notes, flags.devices === true),
    );
    if (simulation.devices.some(({ answer }) => answer === "hold")) process.exitCode = held;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Adds the command to `rollout`. */
export function rolloutSimulate(parent: Command): void {
  parent
    .command("simulate")
    .summary("play a campaign through before it is shipped")
    .description(
      "Play a rollout through over a fleet file, offline and in virtual time: the policy of a bundle answers every\n" +
        "device, gates latch their pauses, and a scenario says what rings measure, what fails and who acts\n" +
        "(docs/ota.md). Exit code: 0 nobody waits at the end, 2 some devices do, 1 error.",
    )
    .argument("<release>", "release id")
    .requiredOption("--fleet <file>", "records, NDJSON: devices, tenants, the release and its rollout")
    .option("--scenario <file>", "what happens meanwhile, YAML; without it nothing is measured")
    .option(
      "--plan <file>",
      "records, NDJSON, in the place of those of the fleet: the release and rollout under review",
    )
    .option("--bundle <file>", "policy bundle that answers; otherwise the one that this package ships")
    .option("--env <name>", "environment of the OTA service that asks; otherwise the release's")
    .option("--from <time>", "start: now, unix seconds, ISO 8601, or a time from now", "now")
    .option("--for <span>", "how long, as 14d", "14d")
    .option("--step <span>", "time between two rounds of asking", "1h")
    .option("--devices", "list every device that installed it")
    .option("--json", "everything as JSON on one line")
    .addHelpText(
      "after",
      examples(
        [
          "as things stand",
          "sallyport rollout simulate meter-2.5.0 --fleet examples/quickstart/fleet.seed.ndjson",
        ],
        [
          "what if the canary fails?",
          "sallyport rollout simulate meter-2.5.0 --fleet examples/quickstart/fleet.seed.ndjson --plan examples/quickstart/campaign/plan.ndjson --scenario examples/quickstart/campaign/scenario.yaml",
        ],
      ),
    )
    .action((release: string, flags: Flags) =>
      reportingFindings(".", flags.json === true, () => run(release, flags)),
    );
}
