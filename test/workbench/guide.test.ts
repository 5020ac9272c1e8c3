import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { plain } from "../cli/run.ts";
import { describeWithOpa, findOpa } from "../opa.ts";

/** A fenced block: the words after the fence, and its lines. */
interface Block {
  readonly info: readonly string[];
  readonly lines: readonly string[];
  readonly at: number;
}

function blocksOf(page: string): Block[] {
  const lines = page.split("\n");
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const info = /^```(.+)$/.exec(lines[at] ?? "")?.[1];
    if (info === undefined) continue;
    const end = lines.indexOf("```", at + 1);
    blocks.push({ info: info.split(" "), lines: lines.slice(at + 1, end), at: at + 1 });
    at = end;
  }
  return blocks;
}

/** Words of a command line; double quotes hold one together. */
const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");

/** What differs from run to run. */
const steady = (line: string): string =>
  line
    .replace(/\b[0-9a-f]{64}\b|\b[0-9a-f]{12}(?=-\d+)/g, "HEX")
    .replace(/ in [\d.]+ s$/, " in TIME")
    .replace(/ +/g, " ");

/** Whether printed lines are the shown ones; a line `...` stands for any number. */
function fits(shown: readonly string[], printed: readonly string[]): boolean {
  const [first, ...rest] = shown;
  if (first === undefined) return printed.length === 0;
  if (first === "...") {
    return Array.from({ length: printed.length + 1 }, (_, at) => at).some((at) =>
      fits(rest, printed.slice(at)),
    );
  }
  return printed.length > 0 && steady(first) === steady(printed[0] ?? "") && fits(rest, printed.slice(1));
}

/** Runs `sallyport ARGS` in a folder and returns what a terminal would show. */
function run(cwd: string, args: readonly string[]): Promise<string[]> {
  const [program = "", ...more] = findOpa() ?? [];
  const opa = more.length === 0 ? { OPA: program } : {};
  const entry = ["--import", import.meta.resolve("tsx"), path.resolve("src/cli/main.ts")];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...entry, ...args], { cwd, env: { ...plain, ...opa } });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (part: Buffer) => (text += part.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve([...text.split("\n").slice(0, -1), `# exit code ${code}`]));
  });
}

/** Commands of a console block, each with what it is shown to print. */
function commandsOf(
  lines: readonly string[],
): { readonly line: string; readonly shown: readonly string[] }[] {
  const starts = lines.flatMap((line, at) => (line.startsWith("$ ") ? [at] : []));
  return starts.map((at, index) => ({
    line: (lines[at] ?? "").slice(2),
    shown: lines.slice(at + 1, starts[index + 1] ?? lines.length),
  }));
}

function edit(cwd: string, { info, lines }: Block): void {
  const [language, verb = "", file = verb] = info;
  const target = path.join(cwd, file);
  if (language !== "diff") {
    appendFileSync(target, `${lines.join("\n")}\n`);
    return;
  }
  const of = (sign: string): string =>
    lines
      .filter((line) => line.startsWith(sign))
      .map((line) => `${line.slice(1)}\n`)
      .join("");
  const text = readFileSync(target, "utf8");
  expect(text.split(of("-")), `one place in ${file}`).toHaveLength(2);
  writeFileSync(
    target,
    text.replace(of("-"), () => of("+")),
  );
}

describeWithOpa("docs/policy-authors.md", () => {
  it("can be followed block by block, and shows what happens", async () => {
    const cwd = mkdtempSync(path.join(tmpdir(), "sallyport-guide-"));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    let commands = 0;
    for (const block of blocksOf(readFileSync("docs/policy-authors.md", "utf8"))) {
      const [language, verb] = block.info;
      if (verb !== undefined) edit(cwd, block);
      if (language !== "console") continue;
      for (const { line, shown } of commandsOf(block.lines)) {
        commands++;
        const printed = await run(cwd, words(line).slice(1));
        const where = `docs/policy-authors.md:${block.at}: ${line}\n${printed.join("\n")}`;
        expect(fits(shown, printed), where).toBe(true);
      }
    }
    expect(commands).toBeGreaterThan(12);
  }, 300_000);
});

it("the comparison of the guide can fail", () => {
  expect(fits(["a", "...", "d"], ["a", "b", "c", "d"])).toBe(true);
  expect(fits(["a", "d"], ["a", "b", "d"])).toBe(false);
  expect(fits(["a in 1.2 s"], ["a in 3 s"])).toBe(true);
  expect(fits(["cases 1"], ["cases 2"])).toBe(false);
});
