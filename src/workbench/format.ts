/**
 * `opa fmt`, but never a source that means something else: what it writes is parsed again and compared with the
 * original. OPA 1.22 misprints a one-line `else := X if "q" in r` (it takes the branch for part of the value).
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { meaningOf, parseFile } from "./ast.ts";
import { type Finding, findingsIn } from "./finding.ts";
import { type Opa, runOpa } from "./opa.ts";
import { readOpaText } from "./opa-errors.ts";
import type { Source } from "./sources.ts";

/** What formatting a file would do. */
export interface Formatted {
  readonly path: string;
  /** The text to write; absent where the file must stay as it is. */
  readonly text?: string;
  readonly changed: boolean;
  /** Why the file must stay as it is. */
  readonly objection?: Finding;
}

/** An `else` with its condition on one line and no braces: the form that the formatter gets wrong. */
const oneLineElse = /^(?=.*\belse\b).*\belse\b.*\bif\s+[^{\s]/;

function unsafe(path: string, text: string): Finding {
  const at = text.split("\n").findIndex((line) => oneLineElse.test(line));
  return {
    code: "fmt-unsafe",
    file: path,
    row: at + 1,
    col: 1,
    message: "`opa fmt` would change what this means",
    fix: "write braces, `else := x if { ... }`",
  };
}

/** Formats one file in memory. A file that does not parse is an objection too. @throws Fault `tool_missing` */
export async function formatSource(opa: Opa, dir: string, { path, bytes }: Source): Promise<Formatted> {
  const text = bytes.toString("utf8");
  const scratch = await mkdtemp(join(tmpdir(), "sallyport-fmt-"));
  try {
    const before = await parseFile(opa, dir, path, false);
    // Unchecked, so that a misprint is told as what it is.
    const run = await runOpa(opa, ["fmt", "--check-result=false"], scratch, text);
    if (run.code !== 0) {
      const [first] = readOpaText(run.stderr);
      return { path, changed: false, objection: { ...(first as Finding), file: path } };
    }
    if (run.stdout === text) return { path, text, changed: false };
    await writeFile(join(scratch, "formatted.rego"), run.stdout);
    const after = await parseFile(opa, scratch, "formatted.rego", false).catch((thrown: unknown) => {
      if (findingsIn(thrown).length === 0) throw thrown;
      return undefined;
    });
    const same = after !== undefined && meaningOf(before) === meaningOf(after);
    return same
      ? { path, text: run.stdout, changed: true }
      : { path, changed: false, objection: unsafe(path, text) };
  } catch (thrown) {
    const [first] = findingsIn(thrown);
    if (first === undefined) throw thrown;
    return { path, changed: false, objection: first };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The sources that `opa fmt`, and with it an `opa build` that embeds sources, would corrupt. */
export async function unsafeFormats(opa: Opa, dir: string, sources: readonly Source[]): Promise<Finding[]> {
  const suspects = sources.filter(
    ({ path, bytes }) =>
      path.endsWith(".rego") &&
      bytes
        .toString("utf8")
        .split("\n")
        .some((line) => oneLineElse.test(line)),
  );
  const found: Finding[] = [];
  for (const source of suspects) {
    const { objection } = await formatSource(opa, dir, source);
    if (objection !== undefined) found.push(objection);
  }
  return found;
}
