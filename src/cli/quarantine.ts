/** `sallyport quarantine`. */
import { type Command, Option } from "commander";
import { type ActFlags, patient, readExpires, withAct, withWait } from "./act-options.ts";
import { examples } from "./examples.ts";
import { isCovered, receiptLines } from "./receipt-page.ts";

interface Flags extends ActFlags {
  readonly mode: string;
  readonly expires?: string;
  readonly wait?: boolean;
}

async function run(id: string, flags: Flags): Promise<void> {
  const { quarantineDevice } = await import("./admin-call.ts");
  const { describeOverride, whereOf } = await import("./override-page.ts");
  const { author = "", mode, reason } = flags;
  const expires_at = readExpires(flags.expires);
  const wait = flags.wait === true;
  const { act, receipt } = await quarantineDevice(patient(flags), {
    device_id: id,
    mode,
    reason,
    expires_at,
    author,
    wait,
  });
  const lines = act.overrides.map((each) => `in force${whereOf(act)}: ${describeOverride(each)}\n`);
  if (flags.json === true) process.stdout.write(`${JSON.stringify(wait ? { act, receipt } : act)}\n`);
  else process.stdout.write([...lines, ...(wait ? receiptLines(receipt) : [])].join(""));
  if (wait && !isCovered(receipt)) process.exitCode = 1;
}

/** Adds the command. */
export function quarantine(program: Command): void {
  const command = program
    .command("quarantine")
    .summary("withdraw trust from a device or gateway, now")
    .description(
      "Withdraw trust from a device or gateway. When the command ends, the next decision of the service obeys.\n" +
        "Exit code: 0, or 1 where nothing was done. With --wait also 1 while anybody may still act on older answers.",
    )
    .argument("<id>", "device id")
    .addOption(
      new Option("--mode <mode>", "`constrain` leaves the observable channel, `block` nothing")
        .choices(["constrain", "block"])
        .default("constrain"),
    )
    .option("--expires <time>", "when it ends by itself; newer evidence is needed then too");
  withAct(withWait(command))
    .addHelpText(
      "after",
      examples(
        ["keep an eye on it", 'sallyport quarantine meter-001 --reason "odd traffic, INC-7"'],
        ["and know who still trusts it", "sallyport quarantine meter-001 --wait --reason INC-7"],
        ["cut it off", "sallyport quarantine meter-001 --mode block --reason INC-7"],
      ),
    )
    .action(run);
}
