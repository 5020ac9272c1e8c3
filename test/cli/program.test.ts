import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";
import { sallyport } from "./run.ts";

/** Commands that do something, each by its words. */
function leaves(command: Command, path: string): [path: string, command: Command][] {
  if (command.commands.length === 0) return [[path, command]];
  return command.commands.flatMap((each) => leaves(each, `${path} ${each.name()}`));
}

const program = buildProgram();
const commands = leaves(program, "sallyport");
const flagsOf = (command: Command): string[] => command.options.map(({ long }) => long ?? "");
const helpOf = (command: Command): string => {
  let text = "";
  command.configureOutput({ writeOut: (part) => void (text += part) }).outputHelp();
  return text;
};

describe("the program", () => {
  it("prints the version of the package", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(await sallyport(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("prints help on demand, and as an error where no command is named", async () => {
    const [asked, bare, half] = await Promise.all([["--help"], [], ["check"]].map((args) => sallyport(args)));
    expect(asked).toMatchObject({ code: 0, stderr: "" });
    expect(asked?.stdout).toMatch(/Usage: sallyport .*Commands:.*Examples:/s);
    expect(bare).toMatchObject({ code: 1, stdout: "", stderr: asked?.stdout });
    expect(half).toMatchObject({ code: 1, stdout: "" });
    expect(half?.stderr).toMatch(/^Usage: sallyport check/);
  });

  it.each(commands)("`%s` has help with examples that its options understand", (path, command) => {
    const examples = [...helpOf(command).matchAll(/^ {2}\$ (.*)$/gm)].map(([, line = ""]) => line);
    expect(examples.length).toBeGreaterThan(0);
    for (const line of examples) {
      expect(line).toMatch(path);
      const used = [...line.matchAll(/ (--[a-z-]+)/g)].map(([, flag]) => flag);
      expect(flagsOf(command)).toEqual(expect.arrayContaining(used));
    }
  });

  it.each(commands)("`%s` describes every option, in lower case and without a full stop", (_, command) => {
    const wrong = command.options.filter(
      ({ description }) => !/^\S/.test(description) || /^[A-Z][a-z]|\.$/.test(description),
    );
    expect(wrong.map(({ long }) => long)).toEqual([]);
  });
});

describe("docs/cli.md", () => {
  const page = readFileSync("docs/cli.md", "utf8");

  it("has a section for each command, in the order of the program, and no other", () => {
    const sections = [...page.matchAll(/^## `(sallyport .*)`$/gm)].map(([, name]) => name);
    expect(sections).toEqual(commands.map(([path]) => path));
  });

  it("shows the first line of each command's usage", () => {
    for (const [path] of commands) expect(page).toMatch(new RegExp(`\\$ ${path} `));
  });

  it("names every option, and none that does not exist", () => {
    const named = new Set([...page.matchAll(/(--[a-z][a-z-]*)/g)].map(([, flag]) => flag));
    const existing = new Set([...commands.flatMap(([, command]) => flagsOf(command)), "--help", "--version"]);
    expect([...existing].filter((flag) => !named.has(flag))).toEqual([]);
    expect([...named].filter((flag) => !existing.has(flag ?? ""))).toEqual([]);
  });
});
