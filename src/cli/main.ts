#!/usr/bin/env node
/** The program `sallyport`. */
import { CommanderError } from "commander";
import { buildProgram, pathOf } from "./program.ts";
import { reportFailure } from "./report-failure.ts";

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

const debug = (process.env["SALLYPORT_DEBUG"] ?? "") !== "";
// Deprecations inside a dependency (a TLS server name that is an address) are nothing that a caller can mend.
process.noDeprecation = !debug;

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
    reportFailure(thrown, pathOf(program, words), debug);
  }
}
