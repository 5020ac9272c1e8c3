/** Test support: `sallyport serve` with workers, as real processes, and what it says. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { entry, plain } from "./cli/run.ts";

/** A line of the program's own log. */
export interface LogLine {
  readonly msg: string;
  readonly worker?: number;
  readonly pid?: number;
  readonly cause?: string;
  readonly [field: string]: unknown;
}

/** A running service. */
export interface Processes extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly grpc: string;
  readonly http: string;
  /** Lines of its log so far. */
  readonly lines: readonly LogLine[];
  /** Process ids of the workers that answer, by number. */
  workers(): ReadonlyMap<number, number>;
  /** Metrics as `name{labels}` to number. */
  metrics(): Promise<ReadonlyMap<string, number>>;
  /** Waits until it is so, at most `ms`. */
  until(what: string, done: () => boolean | Promise<boolean>, ms?: number): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A process that has said where it listens. */
export interface Announced {
  readonly grpc: string;
  readonly http: string;
  readonly said: () => string;
  readonly complained: () => string;
}

/** Waits until `sallyport serve` has said where it listens; rejects where it ends instead. */
export async function announced(child: ChildProcessWithoutNullStreams): Promise<Announced> {
  let said = "";
  let complained = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => void (complained += text));
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("/readyz\n\n")) resolve();
    });
    child.on("close", () => reject(new Error(`it ended: ${complained}`)));
  });
  const [, grpc = "", http = ""] = /gRPC +(\S+)[\s\S]* http:\/\/(127\.0\.0\.1:\d+)/.exec(said) ?? [];
  return { grpc, http, said: () => said, complained: () => complained };
}

/** Starts it with a configuration whose log has the level `info` or lower. */
export async function serveProcesses(config: string, ...args: readonly string[]): Promise<Processes> {
  const child = spawn(process.execPath, [...entry, "serve", "--config", config, ...args], { env: plain });
  const lines: LogLine[] = [];
  let rest = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) if (part.startsWith("{")) lines.push(JSON.parse(part) as LogLine);
  });
  const { complained, grpc, http } = await announced(child);
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, "close");
    child.kill(signal);
    return ((await ended) as [number | null])[0];
  };
  return {
    child,
    grpc,
    http,
    lines,
    workers() {
      const live = new Map<number, number>();
      for (const { msg, pid = 0, worker = 0 } of lines) {
        if (msg === "a worker answers") live.set(worker, pid);
        else if (msg.startsWith("a worker has") && live.get(worker) === pid) live.delete(worker);
      }
      return live;
    },
    async metrics() {
      const text = await (await fetch(`http://${http}/metrics`)).text();
      const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      return new Map(
        samples.map((line) => {
          const end = line.lastIndexOf(" ");
          return [line.slice(0, end), Number(line.slice(end + 1))];
        }),
      );
    },
    async until(what, done, ms = 30_000) {
      for (const end = Date.now() + ms; !(await done()); ) {
        if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}\n${complained().slice(-4000)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    stop,
    async [Symbol.asyncDispose]() {
      if ((await Promise.race([stop(), later(15_000)])) === "late") child.kill("SIGKILL");
    },
  };
}

function later(ms: number): Promise<"late"> {
  return new Promise((resolve) => setTimeout(() => resolve("late"), ms).unref());
}
