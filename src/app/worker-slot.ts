/** One place among the workers: the process that fills it now, and its replacement when that ends. */
import type { Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import { Conversation } from "../runtime/conversation.ts";
import { Fault } from "../runtime/fault.ts";
import type { PrimaryCalls, WorkerCalls, WorkerStart } from "./worker-calls.ts";
import type { WorkerFork } from "./worker-fork.ts";

/** Why a worker ended. */
export type EndCause = "crashed" | "blocked" | "silent" | "stopped" | "start_failed";

/** What the channel `sallyport:app:worker` says. */
export interface WorkerNews {
  readonly worker: number;
  readonly pid: number;
  readonly event: "live" | "ended";
  readonly cause?: EndCause;
  readonly code?: number | null;
  readonly signal?: string | null;
  readonly restartInMs?: number;
}

/** What a slot is made of. */
export interface SlotParts {
  readonly calls: PrimaryCalls;
  /** A process to fill a place. */
  fork(): WorkerFork;
  /** What a worker of this number begins with, as things stand now. */
  start(number: number): WorkerStart;
  /** Makes the worker current and live: the last step before it serves. */
  admit(slot: WorkerSlot): Promise<void>;
  /** Told before a replacement is started. `cause` is as far as the slot knows. */
  ended(slot: WorkerSlot, pid: number, cause: EndCause): EndCause;
  news(news: WorkerNews): void;
}

const firstPauseMs = 100;
const longestPauseMs = 5000;
/** A worker that lived so long has not failed at once. */
const steadyMs = 10_000;
/** Longest time to build a worker. */
const startMs = 60_000;

/** Starts workers one after the other, each once the one before has ended. */
export class WorkerSlot {
  readonly number: number;
  readonly #parts: SlotParts;
  #worker: Worker | undefined;
  #talk: Conversation<WorkerCalls, PrimaryCalls> | undefined;
  #cause: EndCause = "crashed";
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #gone: Promise<void> = Promise.resolve();
  #closing = false;
  /** `live`: it serves, or is about to. */
  state: "down" | "starting" | "live" = "down";
  /** Its listeners are open: opening them takes a while in which it hears nobody. */
  serving = false;
  /** Bundles in force and prepared there, by digest. */
  bundle: string | undefined;
  prepared: string | undefined;
  /** Its last sign of life. */
  pulse: { readonly attached: number; readonly rssBytes: number } = { attached: 0, rssBytes: 0 };

  constructor(number: number, parts: SlotParts) {
    this.number = number;
    this.#parts = parts;
  }

  get pid(): number | undefined {
    return this.#worker?.process.pid;
  }

  /** How it is asked; `undefined`: it is down. */
  get talk(): Conversation<WorkerCalls, PrimaryCalls> | undefined {
    return this.#talk;
  }

  /** Resolves when the process that fills the place now has ended. */
  get gone(): Promise<void> {
    return this.#gone;
  }

  /** Starts a worker; resolves once it serves. Rejects where it ends before. */
  async start(): Promise<void> {
    const { listening, worker } = this.#parts.fork();
    const talk = new Conversation<WorkerCalls, PrimaryCalls>(
      (message, failed) => worker.send(message as object, failed),
      this.#parts.calls,
    );
    const startedMs = performance.now();
    this.#worker = worker;
    this.#cause = "crashed";
    this.bundle = undefined;
    this.prepared = undefined;
    this.state = "starting";
    this.serving = false;
    worker.on("message", (message: unknown) => talk.receive(message));
    this.#gone = new Promise((resolve) => {
      worker.once("exit", (code, signal) => {
        this.#ended(worker, talk, performance.now() - startedMs, code, signal);
        resolve();
      });
    });
    try {
      // What is sent before it listens is lost.
      await Promise.race([listening, this.#gone, sleep(startMs, undefined, { ref: false })]);
      this.#talk = talk;
      this.bundle = await talk.ask("start", this.#parts.start(this.number), startMs);
      await this.#parts.admit(this);
      await talk.ask("serve", undefined as never, startMs);
      this.serving = true;
      this.#parts.news({ worker: this.number, pid: worker.process.pid ?? 0, event: "live" });
    } catch (thrown) {
      this.kill("start_failed");
      await this.#gone;
      throw Fault.from(thrown, "internal", `worker ${this.number} cannot be started`);
    }
  }

  /** Ends the process at once. */
  kill(cause: EndCause): void {
    if (this.state === "down") return;
    this.#cause = cause;
    this.#worker?.process.kill("SIGKILL");
  }

  /** Lets it drain and end; after `deadlineMs` it is killed. No replacement follows. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    if (this.state === "down") return;
    this.#cause = "stopped";
    await this.#talk?.ask("stop", undefined as never, deadlineMs).catch(() => undefined);
    const timer = setTimeout(() => this.#worker?.process.kill("SIGKILL"), 1000);
    await this.#gone;
    clearTimeout(timer);
  }

  #ended(
    worker: Worker,
    talk: Conversation<WorkerCalls, PrimaryCalls>,
    livedMs: number,
    code: number | null,
    signal: string | null,
  ): void {
    this.state = "down";
    talk.end(`worker ${this.number} has ended`);
    this.#talk = undefined;
    const pid = worker.process.pid ?? 0;
    const cause = this.#parts.ended(this, pid, this.#cause);
    this.#failures = livedMs > steadyMs ? 0 : this.#failures + 1;
    const restartInMs =
      this.#failures <= 1 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#failures - 2));
    const news: WorkerNews = { worker: this.number, pid, event: "ended", cause, code, signal };
    if (this.#closing) {
      this.#parts.news(news);
      return;
    }
    this.#parts.news({ ...news, restartInMs });
    this.#timer = setTimeout(() => void this.start().catch(() => undefined), restartInMs);
  }
}
