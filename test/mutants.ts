/**
 * `npm run mutants [WORD...]`: makes each listed edit in a copy of the project and runs the law that must catch it.
 * Exit code 1 where one survives, or no longer fits the source. WORDs choose by test file or by what is taken away.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Mutant, Mutants } from "./laws/mutant.ts";

const root = path.resolve(import.meta.dirname, "..");
const folder = mkdtempSync(path.join(tmpdir(), "sallyport-mutants-"));
const copy = path.join(folder, "project");
const limitMs = 300_000;

async function lists(): Promise<Mutants[]> {
  const files = readdirSync(path.join(root, "test"), { recursive: true, encoding: "utf8" });
  const found = files.filter((file) => file.endsWith(".mutants.ts")).sort();
  const modules = await Promise.all(
    found.map((file) => import(path.join(root, "test", file)) as Promise<{ law: Mutants }>),
  );
  return modules.map((module) => module.law);
}

/** Runs a law in the copy; whether it failed. */
function fails({ test, name }: Mutants): boolean {
  const chosen = name === undefined ? [] : ["-t", name];
  const args = ["node_modules/vitest/vitest.mjs", "run", test, ...chosen, "--reporter=dot", "--bail=1"];
  const run = spawnSync(process.execPath, args, { cwd: copy, encoding: "utf8", timeout: limitMs });
  return run.status !== 0;
}

function verdict(list: Mutants, { file, find, replace }: Mutant): "caught" | "SURVIVED" | "DOES NOT FIT" {
  const target = path.join(copy, file);
  const source = readFileSync(target, "utf8");
  if (source.split(find).length !== 2) return "DOES NOT FIT";
  writeFileSync(
    target,
    source.replace(find, () => replace),
  );
  try {
    return fails(list) ? "caught" : "SURVIVED";
  } finally {
    writeFileSync(target, source);
  }
}

const skipped = new Set(["node_modules", "dist", ".git", ".cache", "coverage"]);
cpSync(root, copy, { recursive: true, filter: (from) => !skipped.has(path.basename(from)) });
symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"));
// Rows from beside the project are found from its copy as well.
symlinkSync(path.resolve(root, "../shared"), path.join(folder, "shared"));
const words = process.argv.slice(2);
let bad = 0;
try {
  for (const list of await lists()) {
    const wanted = list.mutants.filter(
      ({ what }) =>
        words.length === 0 || words.some((word) => list.test.includes(word) || what.includes(word)),
    );
    if (wanted.length === 0) continue;
    if (fails(list)) {
      console.log(`BROKEN        ${list.test}: fails without any edit`);
      bad += 1;
      continue;
    }
    for (const mutant of wanted) {
      const outcome = verdict(list, mutant);
      if (outcome !== "caught") bad += 1;
      console.log(`${outcome.padEnd(13)} ${list.test}: ${mutant.what} (${mutant.file})`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = bad === 0 ? 0 : 1;
