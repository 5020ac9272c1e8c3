import { channel } from "node:diagnostics_channel";
import type { Clock } from "../runtime/clock.ts";
import type { Metric } from "../runtime/ports.ts";
import { type AdminAct, composeAct } from "./admin-act.ts";
import { composeLine, composeRepeats, openTally, type Repeated, type Tally } from "./compose-event.ts";
import { Delivery, type Line } from "./delivery.ts";
import { type Evaluation, type Labels, type LossEvent, timestamp } from "./event.ts";
import { type MaskPolicy, maskLine } from "./mask.ts";
import type { Sink } from "./sink.ts";

/** Parts and sizes of a {@link DecisionLog}. */
export interface DecisionLogOptions {
  readonly sink: Sink;
  readonly clock: Clock;
  readonly labels: Labels;
  /** Events that may wait for the sink. */
  readonly queueMax: number;
  /** Window in which repeats of a cached answer become one event, seconds. */
  readonly aggregateHitsS: number;
  /** The mask of the bundle in force; asked for once per event. */
  readonly mask?: () => MaskPolicy | undefined;
  /** First and longest pause after a failed write, milliseconds. */
  readonly retryMs?: readonly [number, number];
}

/** What the channel `sallyport:log:sink` says: the sink failed, or works again. */
export interface SinkNews {
  readonly works: boolean;
  readonly error: unknown;
  /** Decisions lost since the start. */
  readonly lost: number;
}

const sinkChannel = channel("sallyport:log:sink");

/**
 * The decision log. Evaluated decisions are one event each; repeats of a cached answer are counted, and become
 * one event per answer and window. Recording never waits and never throws: composing, masking and writing happen
 * in later turns of the event loop, and what the sink cannot take in time is counted in the log itself.
 */
export class DecisionLog implements AsyncDisposable {
  readonly #options: DecisionLogOptions;
  readonly #delivery: Delivery;
  readonly #hotMax: number;
  readonly #timer: NodeJS.Timeout;
  /** Answers repeated in the window that runs, and those of the last one that are being written. */
  #hot: Repeated[] = [];
  #cooling: Repeated[] = [];
  #windowMs: number;
  #coolingMs = 0;
  #closed: Promise<void> | undefined;

  constructor(options: DecisionLogOptions) {
    this.#options = options;
    this.#hotMax = options.queueMax * 10;
    this.#windowMs = options.clock.wallMs();
    this.#delivery = new Delivery({
      sink: options.sink,
      clock: options.clock,
      queueMax: options.queueMax,
      retryMs: options.retryMs ?? [250, 30_000],
      more: () => this.#nextRepeat(),
      lossLine: (lost) => this.#lossLine(lost),
      onSink: (error) => {
        const news: SinkNews = { works: error === undefined, error, lost: this.#delivery.counters.lost };
        sinkChannel.publish(news);
      },
    });
    this.#timer = setInterval(() => this.#closeWindow(), options.aggregateHitsS * 1000);
    this.#timer.unref();
  }

  /** Logs an evaluated decision; the tally counts its repeats where it is cached. Commands never are. */
  evaluated(evaluation: Evaluation): Tally | undefined {
    const { labels, clock } = this.#options;
    const wallMs = clock.wallMs();
    this.#delivery.offer(() => this.#masked(composeLine(evaluation, labels, wallMs)));
    return evaluation.query.kind === "command" ? undefined : openTally(evaluation);
  }

  /** Logs an act of an operator under `id`. */
  acted(act: AdminAct, id: string): void {
    const { labels, clock } = this.#options;
    const wallMs = clock.wallMs();
    this.#delivery.offer(() => this.#masked(composeAct(act, id, labels, wallMs)));
  }

  /**
   * Counts one more time that a cached answer was given. A denial whose `decisionId` is given is an event of its
   * own, under that id.
   */
  hit(answer: Repeated, decisionId?: string): void {
    if (decisionId !== undefined && answer.tally?.allow === false)
      this.#repeatAlone(answer.tally, decisionId);
    else if (answer.count > 0) answer.count += 1;
    else if (answer.tally !== undefined) this.#warm(answer);
  }

  #warm(answer: Repeated): void {
    if (this.#hot.length >= this.#hotMax || this.#closed !== undefined) {
      this.#delivery.lose(1);
      return;
    }
    answer.count = 1;
    this.#hot.push(answer);
  }

  #repeatAlone(tally: Tally, decisionId: string): void {
    const { labels, clock } = this.#options;
    const wallMs = clock.wallMs();
    const once: Tally = { ...tally, decisionId };
    this.#delivery.offer(() => this.#masked(composeRepeats(once, 1, labels, wallMs, wallMs)));
  }

  /** Ends the window: what was repeated in it goes to the sink, unless the last window's still does. */
  #closeWindow(): void {
    if (this.#hot.length === 0) this.#windowMs = this.#options.clock.wallMs();
    else if (this.#cooling.length === 0) {
      this.#cooling = this.#hot.reverse();
      this.#coolingMs = this.#windowMs;
      this.#hot = [];
      this.#windowMs = this.#options.clock.wallMs();
    }
    this.#delivery.wake();
  }

  #nextRepeat(): Line | undefined {
    const answer = this.#cooling.pop();
    if (answer === undefined) return undefined;
    const { labels, clock } = this.#options;
    const { count: decisions, tally } = answer;
    if (tally === undefined) return undefined;
    try {
      const text = this.#masked(composeRepeats(tally, decisions, labels, this.#coolingMs, clock.wallMs()));
      return { text, decisions };
    } catch {
      this.#delivery.lose(decisions);
      return { text: "", decisions: 0 };
    } finally {
      answer.count = 0;
    }
  }

  #masked(line: string): string {
    const policy = this.#options.mask?.();
    return policy === undefined ? line : maskLine(line, policy);
  }

  #lossLine(lost: number): string {
    const { labels, clock } = this.#options;
    const event: LossEvent = { type: "loss", lost, labels, timestamp: timestamp(clock.wallMs()) };
    return JSON.stringify(event);
  }

  /** Ends the window and resolves when everything recorded so far is written; while the sink fails, it waits. */
  async flush(): Promise<void> {
    await this.#delivery.drain();
    this.#closeWindow();
    await this.#delivery.drain();
  }

  /** Writes what waits, for at most `deadlineMs` milliseconds, and closes the sink. Later decisions count as lost. */
  close(deadlineMs = 5000): Promise<void> {
    this.#closed ??= this.#close(deadlineMs);
    return this.#closed;
  }

  async #close(deadlineMs: number): Promise<void> {
    clearInterval(this.#timer);
    if (this.#cooling.length === 0) this.#coolingMs = this.#windowMs;
    this.#cooling = [...this.#hot.reverse(), ...this.#cooling];
    this.#hot = [];
    await this.#delivery.close(deadlineMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Decisions written and lost since the start. */
  get counters(): { readonly written: number; readonly lost: number } {
    return this.#delivery.counters;
  }

  /** The same for Prometheus, and the events that wait. */
  metrics(): readonly Metric[] {
    const { counters } = this.#delivery;
    return [
      {
        name: "sallyport_decision_log_decisions_total",
        help: "Decisions that the decision log wrote or lost.",
        type: "counter",
        read: () => [
          { labels: { outcome: "written" }, value: counters.written },
          { labels: { outcome: "lost" }, value: counters.lost },
        ],
      },
      {
        name: "sallyport_decision_log_waiting",
        help: "Events that wait for the sink of the decision log.",
        type: "gauge",
        read: () => [{ labels: {}, value: this.#delivery.waiting + this.#cooling.length }],
      },
    ];
  }
}

/** Records nothing; for a service whose decision log is switched off. */
export const discardDecisions: Pick<DecisionLog, "evaluated" | "hit"> = {
  evaluated: () => undefined,
  hit: () => undefined,
};
