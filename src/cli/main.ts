#!/usr/bin/env node
/** The program `sallyport`. */
import { type Command, CommanderError } from "commander";
import { buildProgram } from "./program.ts";
import { reportFailure } from "./report-failure.ts";

/** Words of the innermost command that the arguments name. */
function pathOf(program: Command, words: readonly string[]): string {
  let command = program;
  let path = program.name();
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
    path += ` ${word}`;
  }
  return path;
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

const program = buildProgram();
const words = process.argv.slice(2);
try {
  await program.parseAsync(words, { from: "user" });
} catch (thrown) {
  // Help and version arrive here too; help that nobody asked for, because no command was named, is an error.
  const code = thrown instanceof CommanderError ? thrown.code : "";
  const printed = ["commander.help", "commander.helpDisplayed", "commander.version"].includes(code);
  process.exitCode = thrown instanceof CommanderError && printed ? thrown.exitCode : 1;
  if (!printed) {
    reportFailure(thrown, pathOf(program, words), (process.env["SALLYPORT_DEBUG"] ?? "") !== "");
  }
}
