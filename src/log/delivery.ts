import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../runtime/clock.ts";
import type { Sink } from "./sink.ts";

/** A line ready to be written, and how many decisions it speaks for. */
export interface Line {
  readonly text: string;
  readonly decisions: number;
}

/** Parts and sizes of a {@link Delivery}. */
export interface DeliveryOptions {
  readonly sink: Sink;
  readonly clock: Clock;
  /** Lines that may wait. */
  readonly queueMax: number;
  /** Further lines, taken when the queue is empty; `undefined`: none now. */
  readonly more: () => Line | undefined;
  /** The line that tells of a loss. */
  readonly lossLine: (lost: number) => string;
  /** First and longest pause after a failed write, milliseconds. */
  readonly retryMs: readonly [number, number];
  /** The sink failed (`fault`), or works again (`undefined`). */
  readonly onSink: (fault: unknown) => void;
}

const batchLines = 128;
const batchLength = 512 * 1024;
/** Longest time that composing may keep decisions waiting, milliseconds; masks that are evaluated take theirs. */
const batchMs = 2;
/** How long fewer lines than a batch are waited upon, milliseconds: a write costs as much as several lines. */
const gatherMs = 20;

/**
 * Brings lines to a sink in order, in batches, beside the decisions. INVARIANT: every decision that was offered
 * is written, waits, or is counted as lost; what was lost is told by a line as soon as the sink takes one.
 */
export class Delivery {
  /** Decisions written and lost since the start; losses not yet told included. */
  readonly counters: { written: number; lost: number } = { written: 0, lost: 0 };
  readonly #options: DeliveryOptions;
  #queue: (() => string)[] = [];
  #head = 0;
  #untold = 0;
  #running: Promise<void> | undefined;
  #closing = false;
  #ended = false;
  /** Decisions of the batch that is being written. */
  #inFlight = 0;
  #wake: (() => void) | undefined;
  /** Ends the wait for further lines. */
  #gathered: (() => void) | undefined;
  /** Who waits for everything to be written: lines are not waited upon. */
  #draining = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Lines that wait. */
  get waiting(): number {
    return this.#queue.length - this.#head;
  }

  /** Queues the line of one decision, to be composed later; where there is no room it counts as lost. */
  offer(compose: () => string): void {
    if (this.waiting >= this.#options.queueMax || this.#closing) this.lose(1);
    else this.#queue.push(compose);
    if (this.#running === undefined) this.wake();
    else if (this.waiting >= batchLines) this.#gathered?.();
  }

  /** Counts decisions that will not be written. */
  lose(decisions: number): void {
    this.counters.lost += decisions;
    this.#untold += decisions;
  }

  /** Starts writing what waits, if nothing does yet. */
  wake(): void {
    if (!this.#ended) this.#running ??= this.#run();
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    this.#draining += 1;
    this.#gathered?.();
    try {
      while (this.#running !== undefined) await this.#running;
    } finally {
      this.#draining -= 1;
    }
  }

  /** Writes what can be written within `deadlineMs`, counts the rest as lost and closes the sink. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    this.#wake?.();
    this.#gathered?.();
    this.wake();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([this.drain(), deadline]);
    this.#ended = true;
    this.#abandon();
    await Promise.race([this.#options.sink.close().catch(this.#options.onSink), deadline]);
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        await this.#gather();
        const batch = this.#take();
        if (batch === undefined) return;
        this.#inFlight = batch.decisions;
        const written = await this.#write(batch);
        if (this.#ended) return;
        if (written) {
          this.#inFlight = 0;
          this.counters.written += batch.decisions;
        } else this.#abandon();
      }
    } finally {
      this.#running = undefined;
    }
  }

  /** Waits for a whole batch, but not for long; at the least for the next turn. */
  async #gather(): Promise<void> {
    if (this.waiting < batchLines && this.#draining === 0 && !this.#closing)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, gatherMs);
        this.#gathered = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    this.#gathered = undefined;
    await nextTurn();
  }

  #take(): Line | undefined {
    const lines: string[] = [];
    let length = 0;
    let decisions = 0;
    const { clock } = this.#options;
    const until = clock.monotonicMs() + batchMs;
    for (let taken = 0; taken < batchLines && length < batchLength; taken += 1) {
      if (taken > 0 && clock.monotonicMs() > until) break;
      const line = this.#next();
      if (line === undefined) break;
      if (line.decisions === 0) continue;
      lines.push(line.text);
      length += line.text.length;
      decisions += line.decisions;
    }
    const lost = this.#untold;
    if (lost > 0) lines.push(this.#options.lossLine(lost));
    this.#untold = 0;
    return lines.length === 0 ? undefined : { text: `${lines.join("\n")}\n`, decisions };
  }

  /** The next line; one that speaks for no decision where composing it failed. */
  #next(): Line | undefined {
    const compose = this.#queue[this.#head];
    if (compose === undefined) return this.#options.more();
    this.#head += 1;
    if (this.#head >= 1024 || this.#head === this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    try {
      return { text: compose(), decisions: 1 };
    } catch {
      this.lose(1);
      return { text: "", decisions: 0 };
    }
  }

  /** Writes a batch, however often it takes; `false` only when closing. */
  async #write(batch: Line): Promise<boolean> {
    const [first, longest] = this.#options.retryMs;
    for (let pause = first, failed = false; ; pause = Math.min(pause * 2, longest)) {
      try {
        await this.#options.sink.write(batch.text);
        if (failed) this.#options.onSink(undefined);
        return true;
      } catch (thrown) {
        if (!failed) this.#options.onSink(thrown);
        failed = true;
        if (this.#closing) return false;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, pause);
          timer.unref();
          this.#wake = resolve;
        });
      }
    }
  }

  /** Counts everything that is not written yet as lost. */
  #abandon(): void {
    this.lose(this.#inFlight + this.waiting);
    this.#inFlight = 0;
    this.#queue = [];
    this.#head = 0;
    for (let line = this.#options.more(); line !== undefined; line = this.#options.more()) {
      this.lose(line.decisions);
    }
  }
}
