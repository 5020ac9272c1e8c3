/** One attached stream as the node sees it: what it may remember, which sessions it holds, where it stands. */
import { type LeaseTerms, LinkStanding } from "../coherence/link-standing.ts";
import type { RecordKey } from "../decision/facts.ts";
import type { Peer } from "../decision/identity.ts";

/** A change as one stream is told of it. */
export interface LinkChange {
  readonly position: number;
  readonly records: readonly RecordKey[] | "everything";
  readonly action: "recheck" | "disconnect";
  readonly sessions: readonly number[];
}

/** What became of the sessions of a change. */
export interface SessionsDone {
  readonly closed: number;
  readonly kept: number;
}

/** A session that a client announced. */
export interface OpenSession {
  readonly id: number;
  readonly device: string;
  readonly gateway: string;
}

/** What a link is made of. */
export interface LinkParts {
  readonly peer: Peer;
  readonly client: string;
  readonly terms: LeaseTerms;
  /** Puts a change into the stream, ahead of whatever is written later. */
  readonly tell: (change: LinkChange) => void;
  /** Records that the answers about a session rest on. */
  readonly keysOf: (session: OpenSession) => readonly RecordKey[];
}

/** Positions whose session reports are kept. */
const maxReports = 1024;
const pruneAt = 4096;

export class AttachedLink {
  readonly peer: Peer;
  readonly client: string;
  readonly standing: LinkStanding;
  readonly #parts: LinkParts;
  /** Until when an answer that rests on a record may be remembered, on the monotonic clock. */
  readonly #interest = new Map<RecordKey, number>();
  readonly #sessions = new Map<number, { readonly session: OpenSession; keys: readonly RecordKey[] }>();
  readonly #sessionsOf = new Map<RecordKey, Set<number>>();
  readonly #reports = new Map<number, SessionsDone>();
  #pruneAt = pruneAt;
  /** The stream has ended; what it was leased still counts. */
  ended = false;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.peer = parts.peer;
    this.client = parts.client;
    this.standing = new LinkStanding(parts.terms);
  }

  /** Sessions that are open. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Records that answers may be remembered for. */
  get remembered(): number {
    return this.#interest.size;
  }

  /** An answer goes out that may be remembered until `untilMs`. */
  remembers(restsOn: readonly RecordKey[], untilMs: number, nowMs: number): void {
    for (const key of restsOn) {
      const had = this.#interest.get(key);
      if (had === undefined || had < untilMs) this.#interest.set(key, untilMs);
    }
    if (this.#interest.size < this.#pruneAt) return;
    for (const [key, until] of this.#interest) if (until <= nowMs) this.#interest.delete(key);
    this.#pruneAt = Math.max(pruneAt, this.#interest.size * 2);
  }

  /** A session was opened; an id that is open already is replaced. */
  opened(session: OpenSession): void {
    this.closed(session.id);
    const keys = this.#parts.keysOf(session);
    this.#sessions.set(session.id, { session, keys });
    for (const key of keys) {
      const ids = this.#sessionsOf.get(key);
      if (ids === undefined) this.#sessionsOf.set(key, new Set([session.id]));
      else ids.add(session.id);
    }
  }

  /** A session is gone. */
  closed(id: number): void {
    const open = this.#sessions.get(id);
    if (open === undefined) return;
    this.#sessions.delete(id);
    for (const key of open.keys) {
      const ids = this.#sessionsOf.get(key);
      ids?.delete(id);
      if (ids?.size === 0) this.#sessionsOf.delete(key);
    }
  }

  /** These and no others are open. */
  listed(sessions: readonly OpenSession[]): void {
    for (const id of this.#sessions.keys()) this.closed(id);
    for (const session of sessions) this.opened(session);
  }

  /** Tells the stream of a change if it concerns it; returns how many of its sessions do, or `undefined`. */
  change(
    position: number,
    records: readonly RecordKey[] | "everything",
    nowMs: number,
    cutOff: (device: string) => boolean,
  ): number | undefined {
    const concerned =
      records === "everything"
        ? records
        : records.filter((key) => this.#sessionsOf.has(key) || (this.#interest.get(key) ?? 0) > nowMs);
    if (concerned !== "everything" && concerned.length === 0) return undefined;
    const ids = this.#affected(concerned);
    const disconnect =
      ids.length > 0 && ids.every((id) => cutOff(this.#sessions.get(id)?.session.device ?? ""));
    // What a session rests on may be other records from now on.
    for (const id of ids) {
      const open = this.#sessions.get(id);
      if (open !== undefined) this.opened(open.session);
    }
    if (concerned === "everything") this.#interest.clear();
    else for (const key of concerned) this.#interest.delete(key);
    this.standing.tell(position);
    if (!this.ended) {
      const action = disconnect ? "disconnect" : "recheck";
      this.#parts.tell({ position, records: concerned, action, sessions: ids });
    }
    return ids.length;
  }

  #affected(records: readonly RecordKey[] | "everything"): number[] {
    if (records === "everything") return [...this.#sessions.keys()];
    const ids = new Set<number>();
    for (const key of records) for (const id of this.#sessionsOf.get(key) ?? []) ids.add(id);
    return [...ids];
  }

  /** The client acted on a change, and on its sessions where it says so. `false`: it was never told. */
  acknowledged(position: number, done: SessionsDone | undefined): boolean {
    if (!this.standing.acknowledge(position)) return false;
    if (done !== undefined) {
      this.#reports.set(position, done);
      const oldest = this.#reports.keys().next().value;
      if (this.#reports.size > maxReports && oldest !== undefined) this.#reports.delete(oldest);
    }
    return true;
  }

  /** What the client said of the sessions of a change. */
  report(position: number): SessionsDone | undefined {
    return this.#reports.get(position);
  }
}
