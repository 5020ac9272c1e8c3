/** `sallyport lift`. */
import type { Command } from "commander";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { type ActFlags, patient, readTargetWord, withAct, withWait } from "./act-options.ts";
import { examples } from "./examples.ts";
import { isCovered, receiptLines } from "./receipt-page.ts";

interface Flags extends ActFlags {
  readonly kind?: string;
  readonly wait?: boolean;
}

async function run(what: string, flags: Flags): Promise<void> {
  const { liftOverrides } = await import("./admin-call.ts");
  const { renderLifted } = await import("./override-page.ts");
  const { author = "", kind = "", reason } = flags;
  const wait = flags.wait === true;
  const one = /^o-\d+$/.test(what);
  try {
    const lifted = await liftOverrides(patient(flags), {
      id: one ? what : "",
      target: one ? undefined : readTargetWord(what),
      kind,
      reason,
      author,
      approvals: [],
      wait,
    });
    const { receipt } = lifted;
    if (flags.json === true) process.stdout.write(`${JSON.stringify(lifted)}\n`);
    else
      process.stdout.write(
        [renderLifted(lifted, systemClock.now()), ...(wait ? receiptLines(receipt) : [])].join(""),
      );
    if (wait && !isCovered(receipt)) process.exitCode = 1;
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code !== "evidence_required") throw thrown;
    process.stderr.write(`sallyport: refused: ${thrown.message}\n`);
    process.exitCode = 2;
  }
}

/** Adds the command. */
export function lift(program: Command): void {
  const command = program
    .command("lift")
    .summary("end overrides that were set at this service")
    .description(
      "End overrides that were set at this service, and nothing else: what the registry says stays in force,\n" +
        "and a device is trusted again only on evidence newer than its loss of trust.\n" +
        "Exit code: 0, 2 where a device has given no such evidence, or 1 where nothing was done. With --wait also 1\n" +
        "while anybody may still act on older answers.",
    )
    .argument("<what>", "an override (`o-3`), a device id, or a target (`tenant:acme`, `class:acme/meter`)")
    .option("--kind <kind>", "only overrides of this kind");
  withAct(withWait(command))
    .addHelpText(
      "after",
      examples(
        ["all of a device", 'sallyport lift meter-001 --reason "re-imaged, INC-7"'],
        ["one of them", "sallyport lift o-3 --reason mistaken"],
      ),
    )
    .action(run);
}
