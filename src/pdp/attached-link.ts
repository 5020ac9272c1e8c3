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

/** A promise to one client that it may go on with an answer while it reaches no node. */
export interface StaticPromise {
  readonly key: RecordKey;
  /** Unix seconds. */
  readonly until: number;
}

/** What a change means for one link. */
export interface Concern {
  /** Its sessions that rest on what changed. */
  readonly sessions: number;
  /** What it was promised of what changed: void once it acknowledges. */
  readonly promised: readonly StaticPromise[];
}

/** What may be remembered of one record. */
interface Interest {
  /** When the last answer that rests on it ends, on the monotonic clock. */
  untilMs: number;
  /** The last position that had been told when such an answer left. */
  at: number;
  /** The end of what was promised for a time without any node, unix seconds; 0: nothing. */
  staticUntil: number;
}

/** What a link is made of. */
export interface LinkParts {
  readonly peer: Peer;
  readonly client: string;
  readonly terms: LeaseTerms;
  /** Kinds whose answers the client would go on with while it reaches no node. */
  readonly failStatic?: ReadonlySet<string>;
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
  /** By record; it ends by time, or when the client has acknowledged a change of it. */
  readonly #interest = new Map<RecordKey, Interest>();
  readonly #told: { readonly position: number; readonly records: readonly RecordKey[] | "everything" }[] = [];
  #lastTold = 0;
  #staticUntil = 0;
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

  /** Whether answers of this kind may be gone on with while no node is reached. */
  failsStatic(kind: string): boolean {
    return this.#parts.failStatic?.has(kind) === true;
  }

  /** Sessions that are open. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Records that answers may be remembered for. */
  get remembered(): number {
    return this.#interest.size;
  }

  /** The end of the last promise for a time without any node, unix seconds. */
  get staticUntil(): number {
    return this.#staticUntil;
  }

  /** An answer goes out that may be remembered until `untilMs`, and without any node until `staticUntil`. */
  remembers(
    restsOn: readonly RecordKey[],
    untilMs: number,
    now: { readonly monotonicMs: number; readonly unixS: number },
    staticUntil = 0,
  ): void {
    if (staticUntil > this.#staticUntil) this.#staticUntil = staticUntil;
    for (const key of restsOn) {
      const had = this.#interest.get(key);
      if (had === undefined) this.#interest.set(key, { untilMs, at: this.#lastTold, staticUntil });
      else {
        had.at = this.#lastTold;
        if (untilMs > had.untilMs) had.untilMs = untilMs;
        if (staticUntil > had.staticUntil) had.staticUntil = staticUntil;
      }
    }
    if (this.#interest.size < this.#pruneAt) return;
    for (const [key, { staticUntil: promised, untilMs: until }] of this.#interest)
      if (until <= now.monotonicMs && promised <= now.unixS) this.#interest.delete(key);
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

  /** Tells the stream of a change if it concerns it; returns what it means there, or `undefined`. */
  change(
    position: number,
    records: readonly RecordKey[] | "everything",
    now: { readonly monotonicMs: number; readonly unixS: number },
    cutOff: (device: string) => boolean,
  ): Concern | undefined {
    const matters = (key: RecordKey): boolean => {
      const interest = this.#interest.get(key);
      if (interest === undefined) return this.#sessionsOf.has(key);
      return (
        interest.untilMs > now.monotonicMs || interest.staticUntil > now.unixS || this.#sessionsOf.has(key)
      );
    };
    const concerned = records === "everything" ? records : records.filter(matters);
    if (concerned !== "everything" && concerned.length === 0) return undefined;
    const ids = this.#affected(concerned);
    const disconnect =
      ids.length > 0 && ids.every((id) => cutOff(this.#sessions.get(id)?.session.device ?? ""));
    // What a session rests on may be other records from now on.
    for (const id of ids) {
      const open = this.#sessions.get(id);
      if (open !== undefined) this.opened(open.session);
    }
    const promised = this.#promisedOf(concerned, now.unixS);
    this.#lastTold = position;
    this.standing.tell(position);
    if (!this.ended) {
      this.#told.push({ position, records: concerned });
      const action = disconnect ? "disconnect" : "recheck";
      this.#parts.tell({ position, records: concerned, action, sessions: ids });
    }
    return { sessions: ids.length, promised };
  }

  #promisedOf(records: readonly RecordKey[] | "everything", now: number): StaticPromise[] {
    if (this.#staticUntil <= now) return [];
    const keys = records === "everything" ? this.#interest.keys() : records;
    const promised: StaticPromise[] = [];
    for (const key of keys) {
      const until = this.#interest.get(key)?.staticUntil ?? 0;
      if (until > now) promised.push({ key, until });
    }
    return promised;
  }

  /**
   * INVARIANT: what a client may remember is forgotten here only when it says that it has forgotten: a second change
   * of the same record concerns it as long as the first is not acknowledged.
   */
  #forgotten(position: number): void {
    for (let told = this.#told[0]; told !== undefined && told.position <= position; told = this.#told[0]) {
      this.#told.shift();
      for (const key of told.records === "everything" ? this.#interest.keys() : told.records) {
        const interest = this.#interest.get(key);
        if (interest !== undefined && interest.at < told.position) this.#interest.delete(key);
      }
    }
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
    this.#forgotten(position);
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
