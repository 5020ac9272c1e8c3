/** A program of this folder that serves in a process of its own and says `listening PORT`. */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";

/** Where it serves. */
export interface ChildServer {
  readonly address: string;
  stop(): void;
}

/** Starts it and waits until it says its port. */
export async function startServer(script: string, ...args: string[]): Promise<ChildServer> {
  const file = path.join(import.meta.dirname, script);
  const child: ChildProcess = spawn(process.execPath, ["--import", "tsx", file, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: path.resolve(import.meta.dirname, ".."),
  });
  const port = await new Promise<string>((resolve, reject) => {
    let seen = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      const found = /listening (\d+)/.exec(seen);
      if (found?.[1] !== undefined) resolve(found[1]);
    });
    child.on("exit", (code) => reject(new Error(`${script} ended with ${code}: ${seen}`)));
  });
  return { address: `127.0.0.1:${port}`, stop: () => void child.kill("SIGTERM") };
}
