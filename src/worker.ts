/** A worker process of `sallyport serve`, started by its primary. */

import { tuneV8 } from "./app/tune-v8.ts";
import type { PrimaryCalls, WorkerCalls } from "./app/worker-calls.ts";
import { hello } from "./app/worker-fork.ts";
import { readingsOf } from "./app/worker-metrics.ts";
import { WorkerProcess } from "./app/worker-process.ts";
import { Conversation } from "./runtime/conversation.ts";
import { Fault } from "./runtime/fault.ts";

tuneV8();

let begun: (worker: Promise<WorkerProcess>) => void = () => {};
/** Calls that come before the worker is built wait for it, in order. */
const built = new Promise<WorkerProcess>((resolve) => {
  begun = resolve;
});
let worker: WorkerProcess | undefined;

function when<T>(step: (worker: WorkerProcess) => T): T | Promise<T> {
  return worker === undefined ? built.then(step) : step(worker);
}

const calls: WorkerCalls = {
  start: async (start) => {
    const building = WorkerProcess.start(start, primary);
    begun(building);
    worker = await building;
    return worker.bundle;
  },
  serve: async () => (await built).serve(),
  change: (told) => when((each) => each.apply(told)),
  beat: (facts) =>
    when((each) => {
      each.told(facts);
      return { attached: each.deciding.coherence.attachments.attached, rssBytes: process.memoryUsage.rss() };
    }),
  prepare: async (bundle) => (await built).prepare(bundle),
  commit: ({ digest }) => when((each) => each.commit(digest)),
  drop: (digest) => when((each) => each.drop(digest)),
  bar: (barred) =>
    when((each) => {
      each.deciding.pdp.barred = new Set(barred);
    }),
  shadow: (order) => when((each) => each.shadow(order)),
  shadowEnd: (digest) => when((each) => each.endShadow(digest)),
  mark: () => when((each) => each.deciding.coherence.attachments.mark()),
  receiptNow: (mark) => when((each) => each.deciding.coherence.attachments.receiptNow(mark)),
  receipt: async (mark) => (await built).deciding.coherence.attachments.receipt(mark),
  forgetSession: (told) => when((each) => each.forgetSession(told)),
  adoptSessions: (told) => when((each) => each.adoptSessions(told)),
  metrics: () => when((each) => readingsOf(each.metrics)),
  reload: async () => (await built).reload(),
  stop: async () => {
    await (await built).close();
    // The answer leaves first.
    setTimeout(() => process.exit(0), 10);
  },
};

const send = (message: unknown, failed: (error: Error | null) => void): unknown => {
  if (process.send === undefined)
    throw new Fault("unreachable", "a worker is started by `sallyport serve`, not by hand");
  return process.send(message, undefined, undefined, failed);
};
const primary = new Conversation<PrimaryCalls, WorkerCalls>(send, calls);

// The primary says when to stop: a terminal sends its signals to all processes.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
process.on("message", (message) => primary.receive(message));
process.send?.(hello);
// Without the primary nobody tells what changes: nothing may be answered any more.
process.on("disconnect", () => process.exit(1));
