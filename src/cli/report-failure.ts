/** Errors for people: one line on standard error. */
import { CommanderError } from "commander";
import { Fault } from "../runtime/fault.ts";
import { visible } from "./visible.ts";

/** Commander's words in ours: lower case, one line, backticks. */
function wordUsage(error: CommanderError): string {
  const text = error.message
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .replace(/'([^']*)'/g, "`$1`");
  return text;
}

/**
 * Prints what went wrong and what to do, with the stack only where `debug`.
 * @param path words of the command that failed, e.g. `sallyport check publish`
 */
export function reportFailure(thrown: unknown, path: string, debug: boolean): void {
  const usage = thrown instanceof CommanderError;
  const text = usage
    ? `${wordUsage(thrown)}; see \`${path} --help\``
    : Fault.from(thrown, "internal", "a fault of this program, please report it").message;
  process.stderr.write(`sallyport: ${visible(text)}\n`);
  if (!debug) return;
  for (let error = thrown; error instanceof Error; error = error.cause) {
    process.stderr.write(`${error.stack ?? error.message}\n`);
  }
}
