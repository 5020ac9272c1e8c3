/** The workers: each has acted on a change, or has ended, before the change is called done. */
import { channel } from "node:diagnostics_channel";
import type { Offer } from "../bundle/offer.ts";
import { Fault } from "../runtime/fault.ts";
import type { Metric } from "../runtime/ports.ts";
import type {
  BundleTold,
  ChangeTold,
  FactsTold,
  PrimaryCalls,
  WorkerCalls,
  WorkerStart,
} from "./worker-calls.ts";
import type { WorkerFork } from "./worker-fork.ts";
import { type EndCause, type WorkerNews, WorkerSlot } from "./worker-slot.ts";

/** What a pool is made of. */
export interface PoolParts {
  readonly count: number;
  readonly calls: PrimaryCalls;
  /** A process to be a worker. */
  fork(): WorkerFork;
  /** A worker that says nothing for so long is ended and replaced, milliseconds. */
  readonly silentMs: number;
  /** How long calls in flight may go on after a stop, milliseconds. */
  readonly drainMs: number;
  /** What a worker begins with, but for the bundle. */
  start(number: number): Omit<WorkerStart, "bundle">;
  facts(): FactsTold;
  /** Told of every end; returns the cause as far as more is known. */
  ended(number: number, pid: number, cause: EndCause): EndCause;
}

const workerNews = channel("sallyport:app:worker");
const beatMs = 500;
/** Longest time to compile and load a bundle in a worker. */
const prepareMs = 60_000;

/** Keeps a number of workers alive and of one mind. */
export class WorkerPool implements AsyncDisposable {
  readonly slots: readonly WorkerSlot[];
  readonly #parts: PoolParts;
  readonly #ends = new Map<EndCause, number>();
  /** The bundle in force, and the one that is being prepared. */
  #bundle: BundleTold | undefined;
  #next: BundleTold | undefined;
  #beat: NodeJS.Timeout | undefined;
  #beating = false;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.slots = Array.from(
      { length: parts.count },
      (_, index) =>
        new WorkerSlot(index + 1, {
          calls: parts.calls,
          fork: () => parts.fork(),
          start: (number) => ({ ...parts.start(number), bundle: this.#bundle }),
          admit: (slot) => this.#admit(slot),
          ended: (slot, pid, cause) => this.#ended(slot, pid, cause),
          news: (news) => workerNews.publish(news satisfies WorkerNews),
        }),
    );
  }

  /** Starts all of them. Rejects where one cannot start. */
  async start(): Promise<void> {
    const [first, ...others] = this.slots;
    if (first === undefined) throw new Fault("config_invalid", "`workers` is 0");
    // What is wrong with all of them is said once.
    await first.start();
    await Promise.all(others.map((slot) => slot.start()));
    this.#beat = setInterval(() => void this.#listen(), beatMs).unref();
  }

  /** Workers that answer. */
  get live(): readonly WorkerSlot[] {
    return this.slots.filter(({ state }) => state === "live");
  }

  /** A change is in force in every worker when this resolves. */
  async change(told: Omit<ChangeTold, "facts">): Promise<void> {
    await this.everyone("change", { ...told, facts: this.#parts.facts() });
  }

  /**
   * Asks every worker, those that are being started too; resolves to the answers of the live ones. One that does not
   * answer in time, or fails, is ended: it can mislead nobody any more when this resolves.
   */
  async everyone<K extends keyof WorkerCalls>(
    kind: K,
    body: Parameters<WorkerCalls[K]>[0],
    deadlineMs: number = this.#parts.silentMs,
  ): Promise<Awaited<ReturnType<WorkerCalls[K]>>[]> {
    const answers = this.slots.map((slot) => {
      // It is told in order, ahead of `serve`; nobody waits for one that serves nobody yet.
      if (slot.state === "starting")
        void slot.talk?.ask(kind, body as never, prepareMs).catch(() => undefined);
      return slot.state === "live"
        ? this.#askOrEnd(slot, kind, body, deadlineMs)
        : Promise.resolve(undefined);
    });
    const given = await Promise.all(answers);
    return given.filter((answer) => answer !== undefined) as Awaited<ReturnType<WorkerCalls[K]>>[];
  }

  /** Compiles and loads a bundle in every worker. Rejects where one cannot; then none keeps it. */
  async prepare({ archive, bundle: { digest } }: Offer): Promise<void> {
    const next: BundleTold = { digest, archive, activatedAt: 0 };
    this.#next = next;
    const outcomes = await Promise.allSettled(this.live.map((slot) => this.#prepare(slot, next)));
    const failed = outcomes.find(({ status }) => status === "rejected");
    if (failed === undefined) return;
    await this.drop(digest);
    throw (failed as PromiseRejectedResult).reason;
  }

  /** Puts a bundle in force in every worker. */
  async commit(offer: Offer, activatedAt: number): Promise<void> {
    const { digest } = offer.bundle;
    this.#bundle = { digest, archive: offer.archive, activatedAt };
    this.#next = undefined;
    await Promise.all(this.live.map((slot) => this.#bring(slot)));
  }

  /** Forgets a bundle that was prepared. */
  async drop(digest: string): Promise<void> {
    if (this.#next?.digest === digest) this.#next = undefined;
    await this.everyone("drop", digest);
  }

  async #prepare(slot: WorkerSlot, bundle: BundleTold): Promise<void> {
    try {
      await slot.talk?.ask("prepare", bundle, prepareMs);
      slot.prepared = bundle.digest;
    } catch (thrown) {
      const fault = Fault.from(thrown, "internal", "a worker cannot load the bundle");
      // One that ended meanwhile condemns no bundle: its replacement loads what is in force by then.
      if (fault.code !== "unreachable") throw fault;
    }
  }

  /** Brings a worker to the bundle in force, however often that changes meanwhile. */
  async #bring(slot: WorkerSlot): Promise<void> {
    for (
      let wanted = this.#bundle;
      wanted !== undefined && slot.bundle !== wanted.digest;
      wanted = this.#bundle
    ) {
      if (slot.state === "down") return;
      try {
        if (slot.prepared !== wanted.digest) await slot.talk?.ask("prepare", wanted, prepareMs);
        const { activatedAt, digest } = wanted;
        await slot.talk?.ask("commit", { digest, activatedAt }, this.#parts.silentMs);
        slot.bundle = digest;
      } catch {
        slot.kill("silent");
        await slot.gone;
        return;
      }
    }
  }

  /** INVARIANT: between the last look at the bundle in force and `live` nothing is awaited. */
  async #admit(slot: WorkerSlot): Promise<void> {
    const next = this.#next;
    if (next !== undefined) await this.#prepare(slot, next).catch(() => undefined);
    do await this.#bring(slot);
    while (slot.state === "starting" && slot.bundle !== this.#bundle?.digest);
    if (slot.state === "starting") slot.state = "live";
  }

  async #askOrEnd<K extends keyof WorkerCalls>(
    slot: WorkerSlot,
    kind: K,
    body: Parameters<WorkerCalls[K]>[0],
    deadlineMs: number,
  ): Promise<Awaited<ReturnType<WorkerCalls[K]>> | undefined> {
    const { pid, talk } = slot;
    try {
      return await talk?.ask(kind, body as never, slot.serving ? deadlineMs : prepareMs);
    } catch {
      if (slot.pid === pid) {
        slot.kill("silent");
        await slot.gone;
      }
      return undefined;
    }
  }

  async #listen(): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    const facts = this.#parts.facts();
    await Promise.all(
      this.live.map(async (slot) => {
        const pulse = await this.#askOrEnd(slot, "beat", facts, this.#parts.silentMs);
        if (pulse !== undefined) slot.pulse = pulse;
      }),
    );
    this.#beating = false;
  }

  #ended(slot: WorkerSlot, pid: number, cause: EndCause): EndCause {
    const known = this.#parts.ended(slot.number, pid, cause);
    this.#ends.set(known, (this.#ends.get(known) ?? 0) + 1);
    return known;
  }

  /** Numbers for Prometheus. */
  metrics(): readonly Metric[] {
    const count = (state: WorkerSlot["state"]): number =>
      this.slots.filter((slot) => slot.state === state).length;
    return [
      {
        name: "sallyport_workers",
        help: "Worker processes by state.",
        type: "gauge",
        read: () =>
          (["live", "starting", "down"] as const).map((state) => ({
            labels: { state },
            value: count(state),
          })),
      },
      {
        name: "sallyport_worker_ends_total",
        help: "Worker processes that ended, by cause.",
        type: "counter",
        read: () => [...this.#ends].map(([cause, value]) => ({ labels: { cause }, value })),
      },
      {
        name: "sallyport_worker_rss_bytes",
        help: "Resident memory of each worker, the shared map of the record store included.",
        type: "gauge",
        read: () =>
          this.live.map(({ number, pulse }) => ({
            labels: { worker: String(number) },
            value: pulse.rssBytes,
          })),
      },
    ];
  }

  /** Stops all: each drains and ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#beat);
    await Promise.all(this.slots.map((slot) => slot.close(this.#parts.drainMs * 2 + 5000)));
  }
}
