/** Notices a policy that does not come back: the evaluation under way lies in memory that a second thread watches. */
import { Worker } from "node:worker_threads";
import type { SharedInput } from "../engine/shared-input.ts";
import type { PolicyWatch } from "../pdp/activation.ts";
import { ownThread } from "../runtime/own-files.ts";

/** What the thread is told. */
export interface WatchdogOrders {
  readonly shared: SharedArrayBuffer;
  /** File that the question is written to before the process ends. */
  readonly report: string;
  /** Longest evaluation, milliseconds. */
  readonly evaluationMs: number;
}

/** What the file holds, as JSON. */
export interface BlockedReport {
  readonly entrypoint: string;
  readonly input: string;
  readonly ms: number;
}

/** Layout of the shared memory: words, then the question as UTF-8. */
export const words = { evaluations: 0, active: 1, bytes: 2 } as const;
export const textAt = 12;
const textBytes = 256 * 1024;

const thread = ownThread("app/watchdog-thread");

/**
 * Watches the evaluations of this process. One that lasts longer than `evaluationMs` ends the process by SIGKILL,
 * with a {@link BlockedReport} in `report`: in its own thread a loop in Wasm cannot be stopped.
 */
export class Watchdog implements PolicyWatch, AsyncDisposable {
  readonly #words: Int32Array;
  readonly #text: Uint8Array;
  readonly #encoder = new TextEncoder();
  readonly #thread: Worker;

  constructor(orders: Omit<WatchdogOrders, "shared">) {
    const shared = new SharedArrayBuffer(textAt + textBytes);
    this.#words = new Int32Array(shared, 0, textAt / 4);
    this.#text = new Uint8Array(shared, textAt);
    const workerData: WatchdogOrders = { ...orders, shared };
    this.#thread = new Worker(thread.file, { ...thread.options, workerData });
    // Without it the service goes on; it only cannot tell why it stands still.
    this.#thread.on("error", () => undefined);
    this.#thread.unref();
  }

  begin(entrypoint: string, inputJson: string, shared: SharedInput | undefined): void {
    const input = shared === undefined ? inputJson : shared.complete(inputJson);
    const { written } = this.#encoder.encodeInto(`${entrypoint}\n${input}`, this.#text);
    this.#words[words.bytes] = written;
    this.#words[words.evaluations] = ((this.#words[words.evaluations] ?? 0) + 1) | 0;
    Atomics.store(this.#words, words.active, 1);
  }

  end(): void {
    Atomics.store(this.#words, words.active, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate();
  }
}
