/** One receipt out of those of all workers, and of what workers left that have ended. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Receipt, Uncovered, Witness } from "../coherence/receipt.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ReceiptBook } from "../services/admin-service.ts";
import type { WorkerPool } from "./worker-pool.ts";
import type { WorkerSlot } from "./worker-slot.ts";

/** What it is made of. */
export interface ReceiptsParts {
  readonly epoch: string;
  readonly clock: Clock;
  readonly pool: () => WorkerPool;
  /** A lease and its margin, milliseconds. */
  readonly leaseMs: number;
  /** Whether processes of an earlier run may have granted leases that still run. */
  readonly succeeds: boolean;
  /** End of what the worker of a number has promised, unix seconds; it is asked of those that are down. */
  readonly promisedUntil: (worker: number) => number | undefined;
}

interface Ended extends Witness {
  /** When its leases have run out, on the monotonic clock. */
  readonly leasedUntilMs: number;
}

interface Mark {
  readonly atMs: number;
  readonly position: number;
  readonly positions: ReadonlyMap<number, number>;
}

const keptMarks = 1024;
const graceMs = 1000;

/** Asks every live worker; counts those that ended until their leases have run out. */
export class ReceiptsOfAll implements ReceiptBook {
  readonly #parts: ReceiptsParts;
  readonly #marks = new Map<number, Mark>();
  #ended: Ended[] = [];
  #last = 0;

  constructor(parts: ReceiptsParts) {
    this.#parts = parts;
    if (parts.succeeds) this.#leaves("an earlier process");
  }

  /** A worker has ended: what it leased runs on. */
  workerEnded(number: number): void {
    this.#leaves(`worker ${number}, which has ended`);
  }

  async mark(): Promise<number> {
    const { clock, pool } = this.#parts;
    const atMs = clock.monotonicMs();
    const slots = pool().live;
    const positions = new Map<number, number>();
    await Promise.all(
      slots.map(async (slot) => {
        const { pid } = slot;
        const position = await slot.talk?.ask("mark", undefined as never, graceMs).catch(() => undefined);
        if (pid !== undefined && position !== undefined) positions.set(pid, position);
      }),
    );
    this.#last += 1;
    this.#marks.set(this.#last, { atMs, positions, position: this.#last });
    this.#marks.delete(this.#last - keptMarks);
    return this.#last;
  }

  async receiptNow(mark: number): Promise<Receipt> {
    return this.#merge(mark, await this.#ask(mark, "receiptNow", graceMs));
  }

  async receipt(mark: number): Promise<Receipt> {
    const { clock, leaseMs } = this.#parts;
    const receipts = await this.#ask(mark, "receipt", leaseMs + graceMs);
    const nowMs = clock.monotonicMs();
    const until = Math.max(nowMs, ...this.#ended.map(({ leasedUntilMs }) => leasedUntilMs));
    await sleep(until - nowMs);
    return this.#merge(mark, receipts);
  }

  async #ask(mark: number, kind: "receipt" | "receiptNow", deadlineMs: number): Promise<readonly Receipt[]> {
    const positions = this.#marks.get(mark)?.positions;
    const ask = async (slot: WorkerSlot): Promise<Receipt | undefined> => {
      const before = positions?.get(slot.pid ?? 0) ?? 0;
      return slot.talk?.ask(kind, before, deadlineMs).catch(() => undefined);
    };
    const { live } = this.#parts.pool();
    const given = await Promise.all(live.map(ask));
    const silent = live.filter((_, index) => given[index] === undefined);
    // It is ended by the next sign of life that it does not give; until then it may hold leases.
    for (const { number, state } of silent)
      if (state === "live") this.#leaves(`worker ${number}, which is silent`);
    return given.filter((receipt) => receipt !== undefined);
  }

  #leaves(client: string): void {
    const { clock, leaseMs } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.#ended = this.#ended.filter(({ leasedUntilMs }) => leasedUntilMs + leaseMs > nowMs);
    this.#ended.push({ peer: "*", client, leasedUntilMs: nowMs + leaseMs });
  }

  #merge(mark: number, receipts: readonly Receipt[]): Receipt {
    const { clock, epoch } = this.#parts;
    const { atMs, position } = this.#marks.get(mark) ?? { atMs: Number.NEGATIVE_INFINITY, position: mark };
    const nowMs = clock.monotonicMs();
    const left = this.#ended.filter(({ leasedUntilMs }) => leasedUntilMs > atMs);
    const named = ({ client, peer }: Ended): Witness => ({ peer, client });
    const pending = [
      ...receipts.flatMap((each) => each.pending),
      ...left.filter(({ leasedUntilMs }) => leasedUntilMs > nowMs).map(named),
    ];
    return {
      epoch,
      position,
      complete: pending.length === 0,
      evicted: receipts.flatMap(({ evicted }) => evicted),
      sessions: {
        closed: receipts.reduce((sum, { sessions }) => sum + sessions.closed, 0),
        kept: receipts.reduce((sum, { sessions }) => sum + sessions.kept, 0),
      },
      fenced: [
        ...receipts.flatMap(({ fenced }) => fenced),
        ...left
          .filter(({ leasedUntilMs }) => leasedUntilMs <= nowMs)
          .map((each) => ({ ...named(each), sessions: 0 })),
      ],
      pending,
      unreachable: [],
      uncovered: latest([...receipts.flatMap(({ uncovered }) => uncovered), ...this.#promisedByTheDown()]),
    };
  }

  #promisedByTheDown(): Uncovered[] {
    const { clock, pool, promisedUntil } = this.#parts;
    return pool().slots.flatMap(({ number, state }) => {
      const until = state === "live" ? undefined : promisedUntil(number);
      return until === undefined || until <= clock.now() ? [] : [{ device: "*", may_allow_until: until }];
    });
  }
}

/** Of each device the latest end. */
function latest(promises: readonly Uncovered[]): readonly Uncovered[] {
  const until = new Map<string, number>();
  for (const { device, may_allow_until = Number.POSITIVE_INFINITY } of promises)
    until.set(device, Math.max(until.get(device) ?? 0, may_allow_until));
  return [...until].map(([device, end]) =>
    Number.isSafeInteger(end) && end < Number.MAX_SAFE_INTEGER
      ? { device, may_allow_until: end }
      : { device },
  );
}
