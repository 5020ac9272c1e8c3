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
 * What went wrong and what to do, on one line.
 * @param path words of the command that failed, e.g. `sallyport check publish`
 */
export function wordFailure(thrown: unknown, path: string): string {
  const text =
    thrown instanceof CommanderError
      ? `${wordUsage(thrown)}; see \`${path} --help\``
      : Fault.from(thrown, "internal", "a fault of this program, please report it").message;
  return visible(text);
}

/** Prints it, with the stack only where `debug`. */
export function reportFailure(thrown: unknown, path: string, debug: boolean): void {
  process.stderr.write(`sallyport: ${wordFailure(thrown, path)}
`);
  if (!debug) return;
  for (let error = thrown; error instanceof Error; error = error.cause) {
    process.stderr.write(`${error.stack ?? error.message}
`);
  }
}
