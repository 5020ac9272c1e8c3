/** Servers in processes of their own: programs of this folder, and the built service. */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";

/** A server that has said where it listens. */
export interface ChildServer {
  readonly child: ChildProcess;
  /** `host:port` of its gRPC listener. */
  readonly address: string;
  /** Of its HTTP listener; empty: it has none. */
  readonly http: string;
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
}

const root = path.resolve(import.meta.dirname, "..");

/** Starts `node` with these arguments and waits for the groups `grpc` (a port or an address) and `http` of `announced`. */
export async function startNode(args: readonly string[], announced: RegExp): Promise<ChildServer> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], cwd: root });
  const { grpc = "", http = "" } = await new Promise<Record<string, string>>((resolve, reject) => {
    let seen = "";
    child.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      const found = announced.exec(seen)?.groups;
      if (found !== undefined) resolve(found);
    });
    child.on("exit", (code) => reject(new Error(`${args.join(" ")} ended with ${code}: ${seen}`)));
  });
  return {
    child,
    http,
    address: grpc.includes(":") ? grpc : `127.0.0.1:${grpc}`,
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGTERM");
      }),
  };
}

/** Starts a program of this folder that says `listening PORT`. */
export function startServer(script: string, ...args: string[]): Promise<ChildServer> {
  const file = path.join(import.meta.dirname, script);
  return startNode(["--import", "tsx", file, ...args], /listening (?<grpc>\d+)/);
}

/** Starts the service of `dist/`, with what `serve` is to be given; `nodeArgs` are for the process. */
export function startBuilt(args: readonly string[], nodeArgs: readonly string[] = []): Promise<ChildServer> {
  return startNode(
    [...nodeArgs, "dist/cli/main.js", "serve", ...args],
    /gRPC\s+(?<grpc>127\.0\.0\.1:\d+)[\s\S]*?(?<http>127\.0\.0\.1:\d+)/,
  );
}
