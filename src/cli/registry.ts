/** `sallyport registry status` and `sallyport registry push`. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { type ConnectionFlags, withConnection } from "./connection.ts";
import { examples } from "./examples.ts";

interface StatusFlags extends ConnectionFlags {
  readonly json?: true;
  readonly watch?: true;
}

interface PushFlags extends ConnectionFlags {
  readonly source?: string;
  readonly confirmDeletions?: true;
  readonly duties?: string;
}

async function runStatus(flags: StatusFlags): Promise<void> {
  const { getStatus } = await import("./registry-call.ts");
  const { renderStatus } = await import("./registry-page.ts");
  for (let seen = false; ; seen = true) {
    const page = await getStatus(flags).then(
      (status) =>
        flags.json === true ? `${JSON.stringify(status)}\n` : renderStatus(status, systemClock.now()),
      (thrown: unknown) => {
        // Whoever watches a service start anew goes on watching.
        if (!seen || !(thrown instanceof Fault) || thrown.code !== "unreachable") throw thrown;
        return flags.json === true ? "" : `${thrown.message}; asking again\n`;
      },
    );
    const top = flags.watch === true && flags.json !== true && process.stdout.isTTY ? "\u001b[H\u001b[J" : "";
    process.stdout.write(top + page);
    if (flags.watch !== true) return;
    await sleep(1000);
  }
}

async function runConfirm(source: string, flags: ConnectionFlags): Promise<void> {
  const { confirmDeletions } = await import("./registry-call.ts");
  await confirmDeletions(flags, source);
  process.stdout.write(
    `confirmed: the next snapshot of ${source} may lose as many records as the one that was refused\n`,
  );
}

async function runPush(file: string, flags: PushFlags): Promise<void> {
  const { pushFile } = await import("./registry-push.ts");
  const { renderPushed } = await import("./registry-page.ts");
  const { confirmDeletions = false, duties, source = "" } = flags;
  const outbox = duties === undefined ? {} : { duties };
  const pushed = await pushFile(flags, file, { source, confirmDeletions, ...outbox });
  process.stdout.write(renderPushed(pushed));
  if (pushed.rejected.length > 0) process.exitCode = 2;
}

/** Adds `registry` and its commands. */
export function registry(program: Command): void {
  const parent = program
    .command("registry")
    .summary("the facts of a running service: their sources, and feeding them")
    .description("The facts of a running service: their sources, and feeding them.");
  const status = parent
    .command("status")
    .summary("sources, ages, counts and rejected records")
    .description(
      "Sources of records, how old they are, and what was rejected.\n" +
        "Exit code: 0, or 1 where the service cannot be asked.",
    )
    .option("--json", "the whole status as JSON on one line")
    .option("--watch", "again every second, until it is interrupted: how far a snapshot is");
  withConnection(status)
    .addHelpText(
      "after",
      examples(
        ["at a glance", "sallyport registry status"],
        ["while a source loads", "sallyport registry status --watch"],
      ),
    )
    .action(runStatus);
  const confirm = parent
    .command("confirm")
    .summary("let a snapshot in that deletes many records")
    .description(
      "Let the snapshot of a source in that was refused because it would delete more than the configured share of its\n" +
        "records; not one that loses even more. A pushed snapshot is pushed again with --confirm-deletions instead.\n" +
        "Exit code: 0, or 1 where none waits or the caller may not.",
    )
    .argument("<source>", "its name, as `registry status` shows it");
  withConnection(confirm)
    .addHelpText("after", examples(["the record file", "sallyport registry confirm file"]))
    .action(runConfirm);
  const push = parent
    .command("push")
    .summary("feed the records of a file")
    .description(
      "Push the records of an NDJSON file as one snapshot: what it does not hold is deleted.\n" +
        "Exit code: 0, 2 where some records were rejected, or 1 where nothing was put in force.",
    )
    .argument("<file>", 'NDJSON, one `{"kind": ..., "record": ...}` per line')
    .option("--source <name>", "tells several feeds of one caller apart")
    .option("--duties <file>", "append what the records do not say yet, and take it: NDJSON")
    .option("--confirm-deletions", "accept it whatever share of the records it deletes");
  withConnection(push)
    .addHelpText("after", examples(["a fleet", "sallyport registry push fleet.ndjson"]))
    .action(runPush);
}
