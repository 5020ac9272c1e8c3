/** Options of commands that act on overrides. */
import { type Command, Option } from "commander";
import type { OverrideTarget } from "../gen/sallyport/v1/admin.ts";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { type ConnectionFlags, withConnection } from "./connection.ts";
import { parseMoment } from "./moment.ts";

/** What they hold. */
export interface ActFlags extends ConnectionFlags {
  readonly reason: string;
  readonly author?: string;
  readonly json?: true;
}

/** Longest lease that can be configured, with its margin, in seconds: the service waits for it, the call must outlast it. */
const longestWaitS = 62;

/** Adds `--wait`. */
export function withWait(command: Command): Command {
  return command.option("--wait", "wait for the receipt: who has acted on it, and who cannot be told");
}

/** The flags of a call that waits for a receipt, or not. */
export function patient<F extends ActFlags & { readonly wait?: boolean }>(flags: F): F {
  if (flags.wait !== true) return flags;
  return { ...flags, timeout: String(Math.max(Number(flags.timeout), longestWaitS)) };
}

/** Adds them, and those of the connection. */
export function withAct(command: Command): Command {
  command
    .addOption(new Option("--reason <text>", "why; others will read it").makeOptionMandatory())
    .option("--author <id>", "who orders it, where that is not the caller (needs `may_assert: [actor]`)")
    .option("--json", "the answer as JSON on one line");
  return withConnection(command);
}

/** Reads `--expires`; 0: until it is lifted. @throws Fault `request_invalid` */
export function readExpires(text: string | undefined): number {
  return text === undefined ? 0 : parseMoment(text, systemClock.now(), "--expires");
}

/** Reads `device:meter-001`; a word without a colon is a device. @throws Fault `request_invalid` */
export function readTargetWord(text: string): OverrideTarget {
  const colon = text.indexOf(":");
  const target =
    colon < 0 ? { kind: "device", id: text } : { kind: text.slice(0, colon), id: text.slice(colon + 1) };
  if (target.kind === "" || target.id === "")
    throw new Fault("request_invalid", `\`${text}\` is no target: give \`KIND:ID\`, such as \`tenant:acme\``);
  return target;
}
