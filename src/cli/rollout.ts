/** `sallyport rollout`: look at a rollout, pause it, resume it, play it through. */
import type { Command } from "commander";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { type ActFlags, withAct } from "./act-options.ts";
import { type ConnectionFlags, withConnection } from "./connection.ts";
import { examples } from "./examples.ts";
import { rolloutSimulate } from "./rollout-simulate.ts";

interface StatusFlags extends ConnectionFlags {
  readonly counts?: true;
  readonly json?: true;
}

async function status(release: string, flags: StatusFlags): Promise<void> {
  const { getRollout } = await import("./eligibility-call.ts");
  const { renderRollout } = await import("./rollout-page.ts");
  const rollout = await getRollout(flags, release, flags.counts === true);
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(rollout)}\n` : renderRollout(rollout, systemClock.now()),
  );
}

async function rolloutOf(release: string, flags: ActFlags): Promise<string> {
  const { getRollout } = await import("./eligibility-call.ts");
  const { rollout } = await getRollout(flags, release, false);
  if (rollout === "") throw new Fault("not_found", `release \`${release}\` names no rollout`);
  return rollout;
}

async function pause(release: string, flags: ActFlags): Promise<void> {
  const { setOverride } = await import("./admin-call.ts");
  const target = { kind: "rollout", id: await rolloutOf(release, flags) };
  const { author = "", reason } = flags;
  const override = {
    id: "",
    kind: "pause",
    target,
    mode: "",
    signal: "",
    reason,
    by: "",
    since: 0,
    expires_at: 0,
  };
  const { act } = await setOverride(flags, { override, author, wait: false });
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(act)}\n`
      : `paused ${target.id} (${act.overrides[0]?.id ?? ""})\n`,
  );
}

async function resume(release: string, flags: ActFlags): Promise<void> {
  const { liftOverrides } = await import("./admin-call.ts");
  const target = { kind: "rollout", id: await rolloutOf(release, flags) };
  const { author = "", reason } = flags;
  const what = { id: "", target, kind: "pause", reason, author, approvals: [], wait: false };
  const lifted = await liftOverrides(flags, what);
  process.stdout.write(flags.json === true ? `${JSON.stringify(lifted)}\n` : `resumed ${target.id}\n`);
}

/** Adds the command and those below it. */
export function rollout(program: Command): void {
  const command = program
    .command("rollout")
    .summary("how far a firmware release has come; pause, resume and simulate it")
    .description("How far a firmware release has come; pause and resume it, and play it through beforehand.");
  const look = command
    .command("status")
    .summary("rings, gates and what holds them")
    .description("Rings, gates with what was measured, and what holds them.")
    .argument("<release>", "release id")
    .option("--counts", "count the devices of each ring by answer; reads the whole fleet")
    .option("--json", "the answer as JSON on one line");
  withConnection(look)
    .addHelpText("after", examples(["with counts", "sallyport rollout status meter-2.5.0 --counts"]))
    .action(status);
  const stop = command
    .command("pause")
    .summary("stop it at once")
    .description("Stop a rollout at once, whatever its record says, until somebody resumes it.")
    .argument("<release>", "release id");
  withAct(stop)
    .addHelpText("after", examples(["stop it", "sallyport rollout pause meter-2.5.0 --reason field-report"]))
    .action(pause);
  const go = command
    .command("resume")
    .summary("lift pauses made here")
    .description("Lift the pauses that were made here, by a person or a gate; a pause in the record stays.")
    .argument("<release>", "release id");
  withAct(go)
    .addHelpText("after", examples(["go on", "sallyport rollout resume meter-2.5.0 --reason cleared"]))
    .action(resume);
  rolloutSimulate(command);
}
