/** Runs the real command line in a process of its own. */
import { spawn } from "node:child_process";

/** How it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Environment of the test without settings of the person who runs it. */
export const plain: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(SALLYPORT_|NO_COLOR$|FORCE_COLOR$|NODE_OPTIONS$)/.test(name),
  ),
);

/** Arguments of Node that start the command line from its sources. */
export const entry: readonly string[] = ["--import", "tsx", "src/cli/main.ts"];

/** Runs `sallyport ARGS` to its end. */
export function sallyport(
  args: readonly string[],
  { env = {}, input = "" }: { env?: Readonly<Record<string, string>>; input?: string } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...entry, ...args], { env: { ...plain, ...env } });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.on("error", () => undefined).end(input);
  });
}
