/** What every `check` command shares: options, and asking once the question is complete. */
import { type Command, Option } from "commander";
import type { Query } from "../decision/query.ts";
import { type ConnectionFlags, withConnection } from "./connection.ts";
import type { KnownDevice } from "./registry-call.ts";

/** Options of every `check` command. */
export interface CheckFlags extends ConnectionFlags {
  readonly explain?: true;
  readonly json?: true;
}

/** Adds how to print and where to ask. Added last, so that the question comes first in the help. */
export function withOutput(command: Command): Command {
  const output = command
    .optionsGroup("Answer:")
    .option("--explain", "answer afresh, with the facts it rests on and what bounds it in time")
    .option("--json", "one JSON object per answer and line");
  return withConnection(output);
}

/** `--qos`, 0 where it is not given. */
export function qosOption(): Option {
  return new Option("--qos <n>", "quality of service").choices(["0", "1", "2"]).default("0");
}

/** A QoS that {@link qosOption} let through. */
export function toQos(text: string): 0 | 1 | 2 {
  return text === "2" ? 2 : text === "1" ? 1 : 0;
}

/** Asks and prints. gRPC is loaded only now, so that help and mistakes show at once. @throws Fault */
export async function submit(queries: readonly Query[], flags: CheckFlags): Promise<void> {
  const { askAll } = await import("./ask-all.ts");
  await askAll(queries, flags);
}

/** Asks the registry of the same service for a device. @throws Fault */
export function deviceLookUp(flags: CheckFlags): (id: string) => Promise<KnownDevice> {
  return async (id) => {
    const { getDevice } = await import("./registry-call.ts");
    return getDevice(flags, id);
  };
}
