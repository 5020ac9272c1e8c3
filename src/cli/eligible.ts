/** `sallyport eligible`: which release a device may take now, and why not. */
import type { Command } from "commander";
import { systemClock } from "../runtime/clock.ts";
import { type ConnectionFlags, withConnection } from "./connection.ts";
import { examples } from "./examples.ts";

interface Flags extends ConnectionFlags {
  readonly release?: string;
  readonly json?: true;
}

const held = 2;

async function run(device: string, flags: Flags): Promise<void> {
  const { checkEligibility } = await import("./eligibility-call.ts");
  const { renderEligibility, wordAnswer } = await import("./rollout-page.ts");
  const answer = await checkEligibility(flags, device, flags.release ?? "");
  const said = answer.eligibility;
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(answer)}\n` : renderEligibility(answer, systemClock.now()),
  );
  const word = said === undefined ? "none" : wordAnswer(said.answer);
  process.exitCode = word === "install" || word === "rollback" ? 0 : held;
}

/** Adds the command. */
export function eligible(program: Command): void {
  const command = program
    .command("eligible")
    .summary("which release may this device take now?")
    .description(
      "Which release may this device take now, and why not?\n\nExit code: 0 install or rollback, 2 hold or none, 1 no answer.",
    )
    .argument("<device>", "device id")
    .option("--release <id>", "this release; otherwise the best one for the device")
    .option("--json", "the answer as JSON on one line");
  withConnection(command)
    .addHelpText(
      "after",
      examples(
        ["the best release for it", "sallyport eligible meter-001"],
        ["why not this one", "sallyport eligible meter-003 --release meter-2.5.0"],
      ),
    )
    .action(run);
}
