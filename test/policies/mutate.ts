/**
 * `npm run policies:mutants [FILE...]`: takes each rule of the policies away and asks whether a test notices: decision
 * rows, grant lists, cuts, the straight path, Rego tests. Exit code 1 where one survives that `mutants.json` does not
 * list with a reason, or lists without need. `--if-changed` (the step of `npm run check`) runs nothing where sources and tables are those of
 * the last full run; where they are not, it runs in CI and asks for a run elsewhere.
 */
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFile } from "../../src/workbench/ast.ts";
import { compilePolicy } from "../../src/workbench/compile.ts";
import { needOpa } from "../../src/workbench/opa.ts";
import { instantiate } from "./harness.ts";
import { type Check, checks, type Evaluate } from "./mutant-checks.ts";
import { guarded, type Mutant } from "./schemata.ts";
import { root } from "./tables.ts";

const policies = join(root, "policies");
const ledger = join(root, "test", "policies", "mutants.json");

interface Ledger {
  /** Digest of sources and tables of the last full run without a surprise. */
  readonly digest: string;
  readonly rules: number;
  /** Rules that may go unnoticed, as `file: text`, and why. */
  readonly survivors: Readonly<Record<string, string>>;
}

function digestOf(): string {
  const hash = createHash("sha256");
  for (const folder of [policies, join(root, "test", "policies")]) {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => !name.startsWith("invariants"))
      .sort();
    for (const file of files.filter((name) =>
      /\.(rego|yaml)$|(?:cuts\.json|rows-data\.ts|mutant-checks\.ts|schemata\.ts)$/.test(name),
    ))
      hash.update(`${file}\0${readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n")}\0`);
  }
  return hash.digest("hex");
}

/** The policies with every rule guarded, compiled with their tests. */
async function compileGuarded(): Promise<{
  evaluateAt: (off: number) => Evaluate;
  mutants: Mutant[];
  tests: string[];
}> {
  const opa = needOpa();
  const copy = mkdtempSync(join(tmpdir(), "sallyport-schemata-"));
  try {
    // Invariants are no part of a bundle: `policy fuzz` holds them.
    cpSync(policies, copy, {
      recursive: true,
      filter: (path) => !path.startsWith(join(policies, "invariants")),
    });
    const mutants: Mutant[] = [];
    const tests: string[] = [];
    const files = readdirSync(copy, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".rego"),
    );
    for (const file of files.sort()) {
      const source = readFileSync(join(copy, file), "utf8");
      if (file.endsWith("_test.rego")) {
        const of = /^package (\S+)/m.exec(source)?.[1]?.replaceAll(".", "/") ?? "";
        tests.push(...[...source.matchAll(/^(test_\w+)/gm)].map(([, name = ""]) => `${of}/${name}`));
        continue;
      }
      const made = guarded(file, source, await parseFile(opa, copy, file), mutants.length + 1);
      writeFileSync(join(copy, file), made.source);
      mutants.push(...made.mutants);
    }
    const kinds = ["connect", "publish", "subscribe", "command", "ota", "consume", "grants", "cuts"].map(
      (name) => `sallyport/${name}`,
    );
    const entrypoints = [
      ...kinds,
      "sallyport/authz/publish/straight",
      "sallyport/authz/publish/explained",
      "system/log/mask",
      ...tests,
    ];
    writeFileSync(join(copy, "off.json"), "{}");
    const { wasm, data } = await compilePolicy(opa, {
      dir: copy,
      entrypoints,
      optimize: 0,
      with: { tests: true },
    });
    const policy = await instantiate(Buffer.from(wasm));
    const site = JSON.parse(Buffer.from(data).toString("utf8")) as object;
    const evaluateAt = (off: number): Evaluate => {
      policy.setData({ ...site, off });
      return (entrypoint, input) => policy.evaluate(input, entrypoint)[0]?.result;
    };
    return { evaluateAt, mutants, tests };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Whether a check passes; one that stumbles over the answer has noticed. */
function held({ holds }: Check, evaluate: Evaluate): boolean {
  try {
    return holds(evaluate);
  } catch {
    return false;
  }
}

const args = process.argv.slice(2);
const known = JSON.parse(readFileSync(ledger, "utf8")) as Ledger;
const digest = digestOf();
if (args.includes("--if-changed") && known.digest === digest) {
  console.log(`${known.rules} rules: as in the last full run`);
} else if (args.includes("--if-changed") && process.env["CI"] === undefined) {
  console.log("policies or rows changed since the last full run: run `npm run policies:mutants`");
} else {
  const { evaluateAt, mutants, tests } = await compileGuarded();
  const all = checks(tests);
  const whole = evaluateAt(0);
  const broken = all.filter((check) => !held(check, whole));
  if (broken.length > 0) throw new Error(`without any mutant: ${broken.map(({ name }) => name).join(", ")}`);
  const chosen = args.filter((arg) => !arg.startsWith("--"));
  const wanted = mutants.filter(
    ({ file }) => chosen.length === 0 || chosen.some((word) => file.includes(word)),
  );
  let front = all;
  const survivors = wanted.filter(({ id }) => {
    const evaluate = evaluateAt(id);
    const killer = front.find((check) => !held(check, evaluate));
    // What noticed the last one is likely to notice the next.
    if (killer !== undefined) front = [killer, ...front.filter((check) => check !== killer)];
    return killer === undefined;
  });
  const keyOf = ({ file, text }: Mutant): string => `${file}: ${text.trim()}`;
  const surprises = survivors.filter((mutant) => known.survivors[keyOf(mutant)] === undefined);
  for (const mutant of surprises) console.log(`SURVIVED ${mutant.file}:${mutant.row} ${mutant.text.trim()}`);
  console.log(
    `${wanted.length} rules, ${wanted.length - survivors.length} noticed, ${survivors.length} not, ${surprises.length} of them a surprise`,
  );
  const left = new Set(survivors.map(keyOf));
  const stale = args.length === 0 ? Object.keys(known.survivors).filter((key) => !left.has(key)) : [];
  for (const key of stale) console.log(`NOTICED now, strike it from mutants.json: ${key}`);
  if (surprises.length > 0 || stale.length > 0) process.exitCode = 1;
  else if (args.length === 0)
    writeFileSync(ledger, `${JSON.stringify({ ...known, digest, rules: mutants.length }, null, 2)}\n`);
}
