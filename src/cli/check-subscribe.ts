/** `sallyport check subscribe`. */
import type { Command } from "commander";
import { systemClock } from "../runtime/clock.ts";
import { type CheckFlags, deviceLookUp, qosOption, submit, toQos, withOutput } from "./check-options.ts";
import { examples } from "./examples.ts";
import { mandatory } from "./mandatory.ts";
import { toSubject } from "./subject.ts";
import { type SubjectFlags, withSubject } from "./subject-options.ts";

interface Flags extends CheckFlags, SubjectFlags {
  readonly filter?: readonly string[];
  readonly qos: string;
}

async function run(flags: Flags): Promise<void> {
  const filters = mandatory("--filter", flags.filter);
  const subject = await toSubject(flags, systemClock.now(), deviceLookUp(flags));
  const qos = toQos(flags.qos);
  await submit(
    filters.map((filter) => ({ kind: "subscribe", subject, filter, qos })),
    flags,
  );
}

/** Adds the command. */
export function checkSubscribe(parent: Command): void {
  const command = parent
    .command("subscribe")
    .summary("may these topic filters be subscribed to?")
    .description(
      "May these topic filters be subscribed to? One answer per filter.\n" +
        "Exit code: 0 all allowed, 2 at least one denied, 1 no decision was made.",
    )
    .option(
      "--filter <filter>",
      "topic filter, with its $share/GROUP/ prefix if it has one; required, repeatable",
      (filter: string, before: readonly string[] | undefined) => [...(before ?? []), filter],
    )
    .addOption(qosOption());
  withOutput(withSubject(command))
    .addHelpText(
      "after",
      examples(
        [
          "a device's commands",
          "sallyport check subscribe --as meter-001 --filter 't/acme/d/meter-001/cmd/#'",
        ],
        [
          "several at once",
          "sallyport check subscribe --as meter-001 --filter 't/acme/b/meter/cmd/#' --filter '#'",
        ],
      ),
    )
    .action(run);
}
