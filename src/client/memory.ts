/** What one stream may use: it sleeps while the lease is not alive, and is forgotten after the stream. */
import { ClientLease } from "../coherence/client-lease.ts";
import type { Decision } from "../decision/decision.ts";

/** One remembered answer. Ends are whole milliseconds of the cache's own time, so that reading them allocates nothing. */
export interface CachedAnswer {
  readonly decision: Decision;
  readonly endMonotonicMs: number;
  readonly endWallMs: number;
  /** The same for a time without any node. */
  readonly aloneEndMonotonicMs: number;
  readonly aloneEndWallMs: number;
}

/**
 * The answers about one subject. The one that was used last stands by itself, at hand without another look-up: most
 * sessions repeat one question. Small, since a look at it comes from far away in memory.
 */
export interface CachedSubject {
  lastText: string | undefined;
  lastCode: number;
  readonly memory: Memory;
  lastEndMonotonicMs: number;
  lastEndWallMs: number;
  lastDecision: Decision | undefined;
  touchedAt: number;
  dropped: boolean;
  last: CachedAnswer | undefined;
  readonly key: string;
  /** By the small parts of a question, then by topic or filter; absent while there is only the last one. */
  answers: (Map<string, CachedAnswer> | undefined)[] | undefined;
  readonly restsOn: string[];
}

/** The part of the cache that one stream fills. */
export class Memory {
  readonly lease: ClientLease = new ClientLease();
  /** Most records are of one device, so that one subject rests on them. */
  readonly #byRecord = new Map<string, CachedSubject | Set<CachedSubject>>();
  readonly #drop: (subject: CachedSubject) => void;
  /** Position of the last change that was read. */
  position = 0;
  /** The stream has ended. */
  over = false;

  constructor(drop: (subject: CachedSubject) => void) {
    this.#drop = drop;
  }

  /** Ties a subject to a record. */
  rests(subject: CachedSubject, key: string): void {
    const held = this.#byRecord.get(key);
    if (held === undefined) this.#byRecord.set(key, subject);
    else if (held instanceof Set) held.add(subject);
    else if (held !== subject) this.#byRecord.set(key, new Set([held, subject]));
  }

  /** Unties a subject that is no longer held. */
  release(subject: CachedSubject): void {
    for (const key of subject.restsOn) {
      const held = this.#byRecord.get(key);
      if (held instanceof Set) held.delete(subject);
      if (held === subject || (held instanceof Set && held.size === 0)) this.#byRecord.delete(key);
    }
  }

  /** Forgets what rests on these records; none: everything. Returns how many subjects went. */
  changed(position: number, records: readonly string[]): number {
    this.position = Math.max(this.position, position);
    let dropped = 0;
    for (const key of records.length === 0 ? this.#byRecord.keys() : records) dropped += this.#dropAll(key);
    return dropped;
  }

  #dropAll(key: string): number {
    const held = this.#byRecord.get(key);
    if (held === undefined) return 0;
    if (!(held instanceof Set)) {
      this.#drop(held);
      return 1;
    }
    const { size } = held;
    for (const subject of held) this.#drop(subject);
    return size;
  }

  /** The stream ended: what it gave may be used in a time without any node, where that was granted, and never else. */
  end(): void {
    this.over = true;
    this.lease.end();
  }

  /** Forgets everything. */
  forget(): void {
    for (const key of this.#byRecord.keys()) this.#dropAll(key);
    this.#byRecord.clear();
  }
}
