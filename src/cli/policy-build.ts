/** `sallyport policy build`. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { BuiltBundle } from "../workbench/build.ts";
import { examples } from "./examples.ts";
import { reportingFindings, shownPath } from "./findings-page.ts";
import { alignCells, emphasise, renderRows } from "./page.ts";
import { visible } from "./visible.ts";

interface Flags {
  readonly output?: string;
  readonly sequence?: number;
  readonly optimize?: 0 | 1;
  readonly watch?: true;
  readonly json?: true;
}

const pollMs = 300;

/** Written beside and renamed: a service that watches the file never reads half a bundle. */
function saveArchive(archive: Uint8Array, file: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const beside = `${file}.${process.pid}.tmp`;
  writeFileSync(beside, archive);
  renameSync(beside, file);
}

function render({ bundle, archive }: BuiltBundle, file: string, tookMs: number): string {
  const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
  return `${emphasise("good", "built")} ${visible(bundle.revision)}, sequence ${bundle.sequence}\n${renderRows(
    [
      ["file", shownPath(".", file)],
      ["digest", `sha256 ${bundle.digest}`],
      ["size", `archive ${kib(archive.length)}, Wasm ${kib(bundle.wasm.byteLength)}`],
      ["entrypoints", ...alignCells(bundle.entrypoints.map((name) => [name]))],
      ["took", `${(tookMs / 1000).toFixed(1)} s`],
    ],
  )}`;
}

async function buildOnce(folder: string, flags: Flags): Promise<void> {
  const [{ buildBundle, nextSequence }, { failingCases }, { policyFault }, { needOpa }, { openProject }] =
    await Promise.all([
      import("../workbench/build.ts"),
      import("../workbench/failing-cases.ts"),
      import("../workbench/finding.ts"),
      import("../workbench/opa.ts"),
      import("../workbench/project.ts"),
    ]);
  const started = performance.now();
  const opened = openProject(folder);
  const { optimize } = flags;
  const project = optimize === undefined ? opened : { ...opened, settings: { ...opened.settings, optimize } };
  const file = path.resolve(flags.output ?? path.join(project.dir, "dist", "bundle.tar.gz"));
  const sequence = flags.sequence ?? (await nextSequence(file, project));
  const built = await buildBundle(needOpa(), project, sequence);
  const failing = failingCases(project, built.bundle);
  if (failing.length > 0) throw policyFault(failing);
  saveArchive(built.archive, file);
  const { revision, digest, entrypoints } = built.bundle;
  const summary = { file, revision, sequence, digest, bytes: built.archive.length, entrypoints };
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(summary)}\n` : render(built, file, performance.now() - started),
  );
}

async function run(folder: string, flags: Flags): Promise<void> {
  const build = (): Promise<void> =>
    reportingFindings(folder, flags.json === true, () => buildOnce(folder, flags));
  if (flags.watch !== true) return build();
  const [{ watchSources }, { reportFailure }] = await Promise.all([
    import("../workbench/watch-sources.ts"),
    import("./report-failure.ts"),
  ]);
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());
  let first = true;
  await watchSources(folder, pollMs, ending.signal, async () => {
    process.exitCode = 0;
    try {
      await build();
    } catch (thrown) {
      // What is wrong from the start, as a folder that is not there, is for the caller to correct.
      if (first) throw thrown;
      process.exitCode = 1;
      reportFailure(thrown, "sallyport policy build", false);
    } finally {
      first = false;
    }
  });
}

function parseSequence(text: string): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError("give a whole number.");
}

function parseLevel(text: string): 0 | 1 {
  if (text === "0") return 0;
  if (text === "1") return 1;
  throw new InvalidArgumentError("give 0 or 1.");
}

/** Adds the command. */
export function policyBuild(parent: Command): void {
  parent
    .command("build")
    .summary("compile a policy into a bundle")
    .description(
      "Compile a policy project into a bundle that the service takes, after loading it and asking its cases as\n" +
        "the service would. The same sources give the same bytes. Exit code: 0, or 1 where nothing was built.",
    )
    .argument("[dir]", "folder of the project", ".")
    .option("-o, --output <file>", "where the bundle goes; default: dist/bundle.tar.gz in the project")
    .option(
      "--sequence <number>",
      "sequence of the bundle; default: of the bundle that is there, one more if sources changed",
      parseSequence,
    )
    .option(
      "-O, --optimize <level>",
      "OPA's optimisation, 0 or 1; default: optimize in policy.yaml, or 0",
      parseLevel,
    )
    .option("--watch", "build again after each change, until interrupted")
    .option("--json", "JSON on one line; findings as {findings: [...]}")
    .addHelpText(
      "after",
      examples(
        ["the policy of this repository", "sallyport policy build policies -o /tmp/bundle.tar.gz"],
        ["while writing, beside a service that watches the file", "sallyport policy build policies --watch"],
      ),
    )
    .action(run);
}
