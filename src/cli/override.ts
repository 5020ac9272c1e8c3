/** `sallyport override list` and `sallyport override set`. */
import type { Command } from "commander";
import { systemClock } from "../runtime/clock.ts";
import { type ActFlags, patient, readExpires, readTargetWord, withAct, withWait } from "./act-options.ts";
import { type ConnectionFlags, withConnection } from "./connection.ts";
import { examples } from "./examples.ts";
import { isCovered, receiptLines } from "./receipt-page.ts";

interface ListFlags extends ConnectionFlags {
  readonly target?: string;
  readonly json?: true;
}

interface SetFlags extends ActFlags {
  readonly mode?: string;
  readonly signal?: string;
  readonly expires?: string;
  readonly wait?: boolean;
}

async function runList(flags: ListFlags): Promise<void> {
  const { listOverrides } = await import("./admin-call.ts");
  const { renderOverrides } = await import("./override-page.ts");
  const target = flags.target === undefined ? undefined : readTargetWord(flags.target);
  const list = await listOverrides(flags, { target });
  const { overrides } = list;
  const lines = overrides.map((each) => `${JSON.stringify(each)}\n`).join("");
  process.stdout.write(flags.json === true ? lines : renderOverrides(list, systemClock.now()));
}

async function runSet(kind: string, target: string, flags: SetFlags): Promise<void> {
  const { setOverride } = await import("./admin-call.ts");
  const { describeOverride, whereOf } = await import("./override-page.ts");
  const { author = "", mode = "", reason, signal = "" } = flags;
  const wanted = { kind, target: readTargetWord(target), mode, signal, reason };
  const override = { id: "", by: "", since: 0, ...wanted, expires_at: readExpires(flags.expires) };
  const wait = flags.wait === true;
  const { act, receipt } = await setOverride(patient(flags), { override, author, wait });
  const lines = act.overrides.map((each) => `in force${whereOf(act)}: ${describeOverride(each)}\n`);
  if (flags.json === true) process.stdout.write(`${JSON.stringify(wait ? { act, receipt } : act)}\n`);
  else process.stdout.write([...lines, ...(wait ? receiptLines(receipt) : [])].join(""));
  if (wait && !isCovered(receipt)) process.exitCode = 1;
}

/** Adds `override` and its commands. */
export function override(program: Command): void {
  const parent = program
    .command("override")
    .summary("what was withdrawn here, beside what the registry says")
    .description("Overrides: what was withdrawn at this service, beside what the registry says.");
  const list = parent
    .command("list")
    .summary("overrides in force")
    .description("Overrides in force, oldest first.\nExit code: 0, or 1 where the service cannot be asked.")
    .option("--target <target>", "only those of one target, such as `tenant:acme`")
    .option("--json", "one JSON object per line");
  withConnection(list)
    .addHelpText("after", examples(["everything", "sallyport override list"]))
    .action(runList);
  const set = parent
    .command("set")
    .summary("set any override")
    .description(
      "Set an override; when the command ends, the next decision of the service obeys.\n" +
        "Exit code: 0, or 1 where nothing was done. With --wait also 1 while anybody may still act on older answers.",
    )
    .argument("<kind>", "`quarantine`, `safe_mode`, `signal`, `disable_commands` or `pause`")
    .argument("<target>", "`KIND:ID` with `device`, `gateway`, `tenant`, `class`, `credential` or `rollout`")
    .option("--mode <mode>", "of a quarantine: `constrain` or `block`")
    .option("--signal <type>", "of a signal: its type, as the tenant's playbook names it")
    .option("--expires <time>", "when it ends by itself");
  withAct(withWait(set))
    .addHelpText(
      "after",
      examples(
        ["no commands to a class", "sallyport override set disable_commands class:acme/pump --reason INC-9"],
        ["revoke a stolen key", "sallyport override set quarantine credential:fp-meter-001-b --reason INC-9"],
        ["stop a rollout", 'sallyport override set pause rollout:r-7 --reason "boot loops"'],
      ),
    )
    .action(runSet);
}
