/** `sallyport check`: one question to a running service. */
import type { Command } from "commander";
import { checkCommand } from "./check-command.ts";
import { checkConnect } from "./check-connect.ts";
import { checkPublish } from "./check-publish.ts";
import { checkSubscribe } from "./check-subscribe.ts";

/** Adds the command and one below it for each kind of question. */
export function check(program: Command): void {
  const command = program
    .command("check")
    .summary("ask a running service for a decision")
    .description(
      "Ask a running service for a decision.\n\nExit code: 0 allowed, 2 denied, 1 no decision was made.",
    );
  checkConnect(command);
  checkPublish(command);
  checkSubscribe(command);
  checkCommand(command);
}
