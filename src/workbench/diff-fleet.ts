/** Compares two policies over a fleet file, in as many threads as there are processors. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { Fault, type FaultCode } from "../runtime/fault.ts";
import { ownThread } from "../runtime/own-files.ts";
import { mergeDiffs, type PolicyDiff } from "./diff-policies.ts";
import type { FleetQuestion } from "./fleet-questions.ts";

/** A policy as it is handed to a thread. */
export interface PolicyParts {
  readonly wasm: Uint8Array;
  readonly data: unknown;
  readonly schemas: Readonly<Record<string, unknown>>;
}

/** What is compared over which devices. */
export interface FleetComparison {
  readonly before: PolicyParts;
  readonly after: PolicyParts;
  /** Fleet file, NDJSON. */
  readonly path: string;
  /** Moment of the questions, unix seconds. */
  readonly now: number;
  readonly questions: readonly FleetQuestion[];
}

/** The part of one thread: devices from `share / of` of the fleet to the next. */
export interface FleetShare extends FleetComparison {
  readonly share: number;
  readonly of: number;
}

/** What a thread tells: how far it is, then what it found, or why not. */
export interface ShareNews {
  readonly asked?: number;
  readonly diff?: PolicyDiff;
  readonly devices?: number;
  readonly invalid?: number;
  readonly fault?: { readonly code: FaultCode; readonly message: string };
}

/** A comparison over a fleet. */
export interface FleetDiff {
  readonly diff: PolicyDiff;
  readonly devices: number;
  /** Lines that hold no valid record. */
  readonly invalid: number;
}

/** The file of a thread: as compiled, or by way of a script where the sources run (threads inherit no loader). */
const thread = ownThread("workbench/diff-worker");

/**
 * Compares. The answer is that of one thread, whatever their number.
 * @param asked told how many questions all threads have asked
 * @throws Fault `request_invalid` where the fleet cannot be read
 */
export async function diffFleet(
  comparison: FleetComparison,
  asked: (count: number) => void = () => undefined,
  threads: number = availableParallelism(),
): Promise<FleetDiff> {
  const counts = Array.from({ length: threads }, () => 0);
  const shares = counts.map((_, share) =>
    run({ ...comparison, share, of: threads }, (count) => {
      counts[share] = count;
      asked(counts.reduce((sum, each) => sum + each, 0));
    }),
  );
  const told = await Promise.all(shares);
  return {
    diff: mergeDiffs(told.map(({ diff }) => diff)),
    devices: told[0]?.devices ?? 0,
    invalid: told[0]?.invalid ?? 0,
  };
}

function run(share: FleetShare, asked: (count: number) => void): Promise<FleetDiff> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(thread.file, { ...thread.options, workerData: share });
    worker.on("message", ({ asked: count, diff, devices = 0, invalid = 0, fault }: ShareNews) => {
      if (count !== undefined) asked(count);
      if (fault !== undefined) reject(new Fault(fault.code, fault.message));
      if (diff !== undefined) resolve({ diff, devices, invalid });
    });
    worker.on("error", (error) =>
      reject(Fault.from(error, "internal", "the thread that compares policies failed")),
    );
    worker.on("exit", () => reject(new Fault("internal", "the thread that compares policies ended early")));
  });
}
