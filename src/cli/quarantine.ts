/** `sallyport quarantine`. */
import { type Command, Option } from "commander";
import { type ActFlags, readExpires, withAct } from "./act-options.ts";
import { examples } from "./examples.ts";

interface Flags extends ActFlags {
  readonly mode: string;
  readonly expires?: string;
}

async function run(id: string, flags: Flags): Promise<void> {
  const { quarantineDevice } = await import("./admin-call.ts");
  const { describeOverride } = await import("./override-page.ts");
  const { author = "", mode, reason } = flags;
  const expires_at = readExpires(flags.expires);
  const act = await quarantineDevice(flags, { device_id: id, mode, reason, expires_at, author });
  const lines = act.overrides.map((each) => `in force: ${describeOverride(each)}\n`);
  process.stdout.write(flags.json === true ? `${JSON.stringify(act)}\n` : lines.join(""));
}

/** Adds the command. */
export function quarantine(program: Command): void {
  const command = program
    .command("quarantine")
    .summary("withdraw trust from a device or gateway, now")
    .description(
      "Withdraw trust from a device or gateway. When the command ends, the next decision of the service obeys.\n" +
        "Exit code: 0, or 1 where nothing was done.",
    )
    .argument("<id>", "device id")
    .addOption(
      new Option("--mode <mode>", "`constrain` leaves the observable channel, `block` nothing")
        .choices(["constrain", "block"])
        .default("constrain"),
    )
    .option("--expires <time>", "when it ends by itself; newer evidence is needed then too");
  withAct(command)
    .addHelpText(
      "after",
      examples(
        ["keep an eye on it", 'sallyport quarantine meter-001 --reason "odd traffic, INC-7"'],
        ["cut it off", "sallyport quarantine meter-001 --mode block --reason INC-7"],
      ),
    )
    .action(run);
}
