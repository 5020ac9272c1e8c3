/** The thread of the watchdog: it goes on while the main thread is stuck in a policy. */
import { renameSync, writeFileSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { type BlockedReport, textAt, type WatchdogOrders, words } from "./watchdog.ts";

const looks = 10;
const { evaluationMs, report, shared } = workerData as WatchdogOrders;
const heads = new Int32Array(shared, 0, textAt / 4);
let last = -1;
let seen = 0;

function blocked(): void {
  // A copy: no decoder reads shared memory.
  const bytes = Uint8Array.from(new Uint8Array(shared, textAt, Atomics.load(heads, words.bytes)));
  const text = Buffer.from(bytes).toString("utf8");
  const end = text.indexOf("\n");
  const found: BlockedReport = {
    entrypoint: text.slice(0, end),
    input: text.slice(end + 1),
    ms: evaluationMs,
  };
  writeFileSync(`${report}.new`, JSON.stringify(found));
  renameSync(`${report}.new`, report);
}

// Looks are counted, not time: while the whole process stands still, or is starved, nothing is held against a policy.
setInterval(() => {
  const current = Atomics.load(heads, words.evaluations);
  const same = Atomics.load(heads, words.active) === 1 && current === last;
  last = current;
  seen = same ? seen + 1 : 0;
  if (seen < looks) return;
  try {
    blocked();
  } finally {
    process.kill(process.pid, "SIGKILL");
  }
}, evaluationMs / looks);
