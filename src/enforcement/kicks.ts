/** Ends sessions at a broker, and tries again where the broker does not confirm it. */
import { keyOf, type SessionNames } from "./broker-session.ts";

/** What ends a session. Rejects where the broker did not do it. */
export type Kick = (names: SessionNames, why: string) => Promise<void>;

/** What {@link Kicks} are made of. */
export interface KicksParts {
  readonly kick: Kick;
  /** Whether the client has a session again: the broker has ended the earlier connection by itself. */
  readonly standsAgain: (key: string) => boolean;
  readonly onFault: (fault: unknown) => void;
}

interface Pending {
  readonly names: SessionNames;
  readonly confirmed: (() => void) | undefined;
  readonly why: string;
  waitMs: number;
  timer: NodeJS.Timeout | undefined;
}

const firstWaitMs = 500;
const longestWaitMs = 30_000;
/** Kicks that are tried again; beyond it the oldest are given up. */
const most = 100_000;

export class Kicks implements Disposable {
  readonly #parts: KicksParts;
  readonly #pending = new Map<string, Pending>();
  #closed = false;
  /** Attempts that the broker did not confirm. */
  failed = 0;

  constructor(parts: KicksParts) {
    this.#parts = parts;
  }

  /** Sessions that are to end and may not have. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Ends a session; resolves after the first attempt, and never rejects. `confirmed` is called once it is gone. */
  async start(names: SessionNames, why: string, confirmed?: () => void): Promise<void> {
    const key = keyOf(names);
    clearTimeout(this.#pending.get(key)?.timer);
    const pending: Pending = { names, confirmed, why, waitMs: firstWaitMs, timer: undefined };
    this.#pending.set(key, pending);
    const [oldest] = this.#pending.keys();
    if (this.#pending.size > most && oldest !== undefined) this.#forget(oldest);
    await this.#try(key, pending);
  }

  /** The session of this key needs no end any more. */
  cancel(key: string): void {
    this.#forget(key);
  }

  async #try(key: string, pending: Pending): Promise<void> {
    const { kick, onFault, standsAgain } = this.#parts;
    try {
      await kick(pending.names, pending.why);
      if (this.#pending.get(key) === pending) this.#forget(key);
      pending.confirmed?.();
    } catch (thrown) {
      this.failed += 1;
      onFault(thrown);
      if (this.#closed || this.#pending.get(key) !== pending) return;
      pending.timer = setTimeout(() => {
        if (standsAgain(key)) {
          this.#forget(key);
          pending.confirmed?.();
        } else void this.#try(key, pending);
      }, pending.waitMs).unref();
      pending.waitMs = Math.min(longestWaitMs, pending.waitMs * 2);
    }
  }

  #forget(key: string): void {
    clearTimeout(this.#pending.get(key)?.timer);
    this.#pending.delete(key);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const key of this.#pending.keys()) this.#forget(key);
  }
}
