/** The sessions of a broker: announced on one stream each, and asked about again when trust in them changes. */
import type { Decision } from "../decision/decision.ts";
import type { Query, Subject } from "../decision/query.ts";
import type { AttachedSession, SessionParts } from "../enforcement/session-notices.ts";
import { type Change, SessionAction } from "../gen/sallyport/v1/broker.ts";
import { OpenSession } from "./attached-session.ts";
import type { Answered, AttachedStream } from "./attached-stream.ts";

/** Parts of {@link SessionBook}. */
export interface SessionBookParts {
  /** The stream of a subject. */
  readonly route: (subject: Subject) => AttachedStream;
  readonly ask: (query: Query) => Promise<Decision>;
  /** Where the answer that allowed a connect stands in the order of its node's changes. */
  readonly answeredAt: (decision: Decision) => Answered | undefined;
}

interface Entry {
  readonly session: OpenSession;
  home: AttachedStream | undefined;
}

/** Sessions that are asked about at a time: more would crowd out what devices ask. */
const atOnce = 256;

export class SessionBook {
  readonly #parts: SessionBookParts;
  readonly #entries = new Map<number, Entry>();
  readonly #queue: (() => void)[] = [];
  #asking = 0;
  #last = 0;
  /** Sessions that ended because trust was withdrawn. */
  ended = 0;

  constructor(parts: SessionBookParts) {
    this.#parts = parts;
  }

  /** Sessions that are open. */
  get size(): number {
    return this.#entries.size;
  }

  /** Opens one. */
  open(parts: SessionParts): AttachedSession {
    this.#last += 1;
    const session = new OpenSession(this.#last, parts);
    const home = this.#parts.route(parts.subject);
    this.#entries.set(session.id, { session, home: home.up ? home : undefined });
    // What changed between the answer and now is told by the service, unless the answer came from another process.
    const answered = this.#parts.answeredAt(parts.connect);
    const same = answered?.epoch === home.epoch;
    home.say({
      $case: "opened",
      value: { ...worded(session), position: same ? (answered?.position ?? 0) : 0 },
    });
    if (home.up && !same) void this.#recheck(session);
    return {
      id: session.id,
      subscribed: (filter, qos) => void session.filters.set(filter, qos),
      unsubscribed: (filter) => void session.filters.delete(filter),
      closed: () => {
        session.closed();
        this.#forget(session);
      },
    };
  }

  /** A stream is up: tells it of the sessions that have it as their home, or that have none yet. */
  announce(stream: AttachedStream): void {
    const own: OpenSession[] = [];
    for (const entry of this.#entries.values()) {
      entry.home ??= this.#parts.route(entry.session.parts.subject);
      if (entry.home === stream) own.push(entry.session);
    }
    if (own.length === 0) return;
    stream.say({ $case: "list", value: { sessions: own.map(worded) } });
    // What changed while nobody told us: ask about each of them.
    for (const session of own) void this.#recheck(session);
  }

  /** A stream is down: its sessions have no home. */
  abandoned(stream: AttachedStream): void {
    for (const entry of this.#entries.values()) if (entry.home === stream) entry.home = undefined;
  }

  /** How many sessions of a stream a change is about. */
  affected(stream: AttachedStream, change: Change): readonly OpenSession[] {
    if (change.records.length > 0)
      return change.session_ids.flatMap((id) => this.#entries.get(id)?.session ?? []);
    return [...this.#entries.values()].flatMap(({ home, session }) => (home === stream ? [session] : []));
  }

  /** Closes the sessions of a change or asks about them again, then says what became of them. */
  async act(
    stream: AttachedStream,
    { action, position }: Change,
    sessions: readonly OpenSession[],
  ): Promise<void> {
    const open = await Promise.all(
      sessions.map(async (session) => {
        if (action !== SessionAction.SESSION_ACTION_DISCONNECT) return this.#recheck(session);
        session.end("disconnect");
        this.#forget(session);
        return false;
      }),
    );
    const kept = open.filter(Boolean).length;
    const closed = open.length - kept;
    stream.say({ $case: "ack", value: { position, sessions: { closed, kept } } });
  }

  async #recheck(session: OpenSession): Promise<boolean> {
    if (this.#asking >= atOnce) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#asking += 1;
    const open = await session.recheck(this.#parts.ask);
    this.#asking -= 1;
    this.#queue.shift()?.();
    if (!open) this.#forget(session);
    return open;
  }

  #forget(session: OpenSession): void {
    const known = this.#entries.get(session.id);
    if (known === undefined) return;
    this.#entries.delete(session.id);
    if (session.withdrawn) this.ended += 1;
    known.home?.say({ $case: "closed", value: { session_id: session.id } });
  }
}

function worded(session: OpenSession) {
  const { subject } = session.parts;
  return {
    session_id: session.id,
    position: 0,
    device_id: subject.device_id ?? subject.client_id,
    gateway_id: subject.via?.gateway_id ?? "",
  };
}
