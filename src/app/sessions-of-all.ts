/** The directory of the sessions of brokers, kept by the primary: which one of a client counts, and which workers know it. */
import { keyOf } from "../enforcement/broker-session.ts";
import type { SharedSession } from "../enforcement/session-exchange.ts";
import type { Metric } from "../runtime/ports.ts";
import type { SessionAbout, SessionEnd, SessionTold } from "./worker-calls.ts";
import type { WorkerSlot } from "./worker-slot.ts";

interface Entry {
  readonly broker: string;
  session: SharedSession;
  /** Workers that have a copy. */
  readonly holders: Set<number>;
  /** Worker that ends it at the broker. */
  ending: number | undefined;
}

/** Sessions of one broker; beyond it the oldest is forgotten, and its client has to log in again. */
const most = 1_000_000;
const forgetMs = 1000;
const adoptMs = 10_000;
const adoptedAtOnce = 500;
const handOverMs = 250;

export class SessionsOfAll implements Disposable {
  readonly #slots: () => readonly WorkerSlot[];
  readonly #brokers = new Map<string, Map<string, Entry>>();
  /** Sessions whose workers have all ended: somebody else must look after them. */
  #orphans = new Set<Entry>();
  #handing = false;
  readonly #timer: NodeJS.Timeout;

  /** `slots`: the workers. */
  constructor(slots: () => readonly WorkerSlot[]) {
    this.#slots = slots;
    this.#timer = setInterval(() => void this.#handOver(), handOverMs).unref();
  }

  /** Resolves once no other worker answers for an earlier session of the client. */
  async opened({ broker, session, worker }: SessionTold): Promise<void> {
    const entries = this.#of(broker);
    const key = keyOf(session.names);
    const before = entries.get(key);
    if (before?.session.id === session.id) {
      before.session = session;
      return;
    }
    entries.delete(key);
    entries.set(key, { broker, session, holders: new Set([worker]), ending: undefined });
    const [oldest] = entries.values();
    if (entries.size > most && oldest !== undefined) void this.#drop(oldest);
    if (before === undefined) return;
    this.#orphans.delete(before);
    await this.#forget(before, worker);
  }

  find({ broker, key, worker }: SessionAbout): SharedSession | undefined {
    const entry = this.#of(broker).get(key);
    if (entry === undefined || entry.ending !== undefined) return undefined;
    entry.holders.add(worker);
    return entry.session;
  }

  /** Whether `worker` is the one that tells the broker. */
  ending({ broker, key, id, worker }: SessionEnd): boolean {
    const entry = this.#of(broker).get(key);
    if (entry?.session.id !== id || entry.ending !== undefined) return false;
    entry.ending = worker;
    void this.#forget(entry, worker);
    return true;
  }

  gone({ broker, key, id }: SessionEnd): void {
    const entry = this.#of(broker).get(key);
    if (entry?.session.id === id) void this.#drop(entry);
  }

  /** What it knew and what it was about to end goes to another worker. */
  workerEnded(worker: number): void {
    for (const entries of this.#brokers.values())
      for (const entry of entries.values()) {
        const held = entry.holders.delete(worker);
        if (entry.ending === worker) entry.ending = undefined;
        else if (!held || entry.holders.size > 0) continue;
        this.#orphans.add(entry);
      }
    void this.#handOver();
  }

  /** Numbers for Prometheus. */
  metrics(): readonly Metric[] {
    return [
      {
        name: "sallyport_broker_sessions",
        help: "Sessions of a broker that were let in and not seen to end.",
        type: "gauge",
        read: () => [...this.#brokers].map(([broker, { size }]) => ({ labels: { broker }, value: size })),
      },
    ];
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #of(broker: string): Map<string, Entry> {
    let entries = this.#brokers.get(broker);
    if (entries === undefined) this.#brokers.set(broker, (entries = new Map<string, Entry>()));
    return entries;
  }

  async #drop(entry: Entry): Promise<void> {
    this.#of(entry.broker).delete(keyOf(entry.session.names));
    this.#orphans.delete(entry);
    await this.#forget(entry, undefined);
  }

  /** Tells every worker that has it but one. A worker that does not answer is ended by its pool. */
  async #forget({ broker, ending, holders, session }: Entry, but: number | undefined): Promise<void> {
    const told = { broker, key: keyOf(session.names), id: session.id };
    const slots = this.#slots().filter(
      ({ number }) => number !== but && (holders.has(number) || ending === number),
    );
    for (const { number } of slots) holders.delete(number);
    await Promise.all(
      slots.map(async ({ talk }) => talk?.ask("forgetSession", told, forgetMs).catch(() => undefined)),
    );
  }

  /** INVARIANT: whoever takes one over judges it again: something may have changed while nobody looked. */
  async #handOver(): Promise<void> {
    if (this.#handing || this.#orphans.size === 0) return;
    this.#handing = true;
    try {
      for (let turn = 0; this.#orphans.size > 0; turn++) {
        const live = this.#slots().filter(({ state }) => state === "live");
        const slot = live[turn % Math.max(1, live.length)];
        const [first] = this.#orphans;
        if (slot?.talk === undefined || first === undefined) return;
        const { broker } = first;
        const some = [...this.#orphans].filter((each) => each.broker === broker).slice(0, adoptedAtOnce);
        for (const entry of some) entry.holders.add(slot.number);
        await slot.talk.ask(
          "adoptSessions",
          { broker, sessions: some.map(({ session }) => session) },
          adoptMs,
        );
        for (const entry of some) this.#orphans.delete(entry);
      }
    } catch {
      // The worker has ended, or will be: the next turn finds another.
    } finally {
      this.#handing = false;
    }
  }
}
