/** Where this package's own files are, however it runs: from its sources, file by file as compiled, or bundled. */
import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** Whether TypeScript runs, by a loader: then a thread or a process needs one as well. */
const fromSources: boolean = import.meta.url.endsWith(".ts");

function findRoot(): string {
  for (let folder = import.meta.dirname; ; folder = path.dirname(folder))
    if (existsSync(path.join(folder, "package.json")) || folder === path.dirname(folder)) return folder;
}

const root = findRoot();
const code = path.join(root, fromSources ? "src" : "dist");

/** Path of a file or folder of the package, such as `proto`. */
export function ownFile(name: string): string {
  return path.join(root, name);
}

/** Path of a program by its name in `src/`, such as `worker`; for a process that inherits the loader of this one. */
export function ownProgram(name: string): string {
  return path.join(code, `${name}.${fromSources ? "ts" : "js"}`);
}

/** A thread's file and the options that it runs with. */
export interface OwnThread {
  readonly file: string;
  readonly options: {
    readonly argv: string[];
    readonly execArgv: string[];
    readonly env: NodeJS.ProcessEnv;
  };
}

/**
 * How a thread is started by its name in `src/`, such as `pdp/preflight-worker`: as compiled, or by way of a script
 * where the sources run, because threads inherit no loader. It gets nothing of the environment.
 */
export function ownThread(name: string): OwnThread {
  const program = ownProgram(name);
  return {
    file: fromSources ? ownFile("scripts/ts-worker.mjs") : program,
    options: { argv: [pathToFileURL(program).href], execArgv: [], env: {} },
  };
}
