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

/** The answers about one subject. The one that was used last stands by itself: most sessions repeat one question. */
export interface CachedSubject {
  lastText: string | undefined;
  lastCode: number;
  last: CachedAnswer | undefined;
  readonly memory: Memory;
  touchedAt: number;
  dropped: boolean;
  readonly key: string;
  /** By the small parts of a question, then by topic or filter. */
  readonly answers: (Map<string, CachedAnswer> | undefined)[];
  readonly restsOn: Set<string>;
}

/** The part of the cache that one stream fills. */
export class Memory {
  readonly lease: ClientLease = new ClientLease();
  readonly #byRecord = new Map<string, Set<CachedSubject>>();
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
    const subjects = this.#byRecord.get(key);
    if (subjects === undefined) this.#byRecord.set(key, new Set([subject]));
    else subjects.add(subject);
  }

  /** Unties a subject that is no longer held. */
  release(subject: CachedSubject): void {
    for (const key of subject.restsOn) {
      const subjects = this.#byRecord.get(key);
      subjects?.delete(subject);
      if (subjects?.size === 0) this.#byRecord.delete(key);
    }
  }

  /** Forgets what rests on these records; none: everything. Returns how many subjects went. */
  changed(position: number, records: readonly string[]): number {
    this.position = Math.max(this.position, position);
    let dropped = 0;
    for (const key of records.length === 0 ? this.#byRecord.keys() : records) {
      for (const subject of this.#byRecord.get(key) ?? []) {
        this.#drop(subject);
        dropped += 1;
      }
    }
    return dropped;
  }

  /** The stream ended: what it gave may be used in a time without any node, where that was granted, and never else. */
  end(): void {
    this.over = true;
    this.lease.end();
  }

  /** Forgets everything. */
  forget(): void {
    for (const subjects of this.#byRecord.values()) for (const subject of subjects) this.#drop(subject);
    this.#byRecord.clear();
  }
}
