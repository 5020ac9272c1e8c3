/** Where the decision log of a worker goes. */
import path from "node:path";
import type { Config } from "../config/config.ts";
import type { Sink } from "../log/sink.ts";
import type { Conversation } from "../runtime/conversation.ts";
import { decisionSink } from "./parts.ts";
import type { PrimaryCalls, WorkerCalls } from "./worker-calls.ts";

/** How the primary is asked. */
export type ToPrimary = Conversation<PrimaryCalls, WorkerCalls>;

const writeMs = 5000;

/** A worker's own file beside the configured one; or the primary's standard output, so that no lines are mixed. */
export function workerSink(config: Config, number: number, primary: ToPrimary): Sink | undefined {
  const { path: file, sink } = config.decision_log;
  if (sink === "stdout") {
    return { write: (lines) => primary.ask("log", lines, writeMs), close: () => Promise.resolve() };
  }
  if (sink !== "file" || file === undefined) return decisionSink(config);
  const { dir, ext, name } = path.parse(file);
  const own = path.join(dir, `${name}.worker-${number}${ext}`);
  return decisionSink({ ...config, decision_log: { ...config.decision_log, path: own } });
}
