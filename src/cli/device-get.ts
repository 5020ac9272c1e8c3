/** `sallyport device get`. */
import type { Command } from "commander";
import { systemClock } from "../runtime/clock.ts";
import { type ConnectionFlags, withConnection } from "./connection.ts";
import { renderDevice } from "./device-page.ts";
import { examples } from "./examples.ts";

interface Flags extends ConnectionFlags {
  readonly json?: true;
  readonly byFingerprint?: true;
}

async function run(id: string, flags: Flags): Promise<void> {
  const { getDevice } = await import("./registry-call.ts");
  const known = await getDevice(flags, id, flags.byFingerprint);
  if (flags.json === true) {
    const { id, invalid = null, provenance, record = null, revision, watermark } = known;
    const shown = { id, revision, watermark, invalid, provenance, record };
    process.stdout.write(`${JSON.stringify(shown)}\n`);
    return;
  }
  process.stdout.write(renderDevice(known, systemClock.now()));
}

/** Adds `device` and the command. */
export function deviceGet(program: Command): void {
  const parent = program
    .command("device")
    .summary("look at devices in the registry of a running service")
    .description("Look at devices in the registry of a running service.");
  const command = parent
    .command("get")
    .summary("what the registry knows of one device")
    .description(
      "What the registry of a running service knows of one device.\n" +
        "Exit code: 0, or 1 where there is no such device or it cannot be asked.",
    )
    .argument("<id>", "device id, or its SPIFFE id")
    .option("--by-fingerprint", "the argument is the fingerprint of one of its credentials")
    .option("--json", "the whole record as JSON on one line");
  withConnection(command)
    .addHelpText(
      "after",
      examples(
        ["in a few lines", "sallyport device get meter-001"],
        ["whose certificate is this", "sallyport device get --by-fingerprint 5f1c..."],
        ["one fact", "sallyport device get meter-001 --json | jq .record.state.lifecycle"],
      ),
    )
    .action(run);
}
