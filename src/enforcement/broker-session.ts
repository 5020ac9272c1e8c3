/** One client of a broker that asks from afar: who it is, until when it may stay, what it rests on. */
import type { Decision } from "../decision/decision.ts";
import type { RecordKey } from "../decision/facts.ts";
import type { ConnectQuery, Subject } from "../decision/query.ts";

/** How a broker names a session to whoever is to end it; what a dialect has of it. */
export interface SessionNames {
  readonly clientId: string;
  readonly username: string;
  /** The broker's node or server. */
  readonly server?: string;
  /** The broker's number of the connection. */
  readonly connection?: number;
  /** Where a client may have several connections at once: which one it is. */
  readonly copy?: string;
}

/** What a session is found by: a client has one [MQTT-3.1.4-3], unless the broker says which of several it is. */
export function keyOf({ clientId, copy }: SessionNames): string {
  return copy === undefined ? clientId : `${clientId} ${copy}`;
}

/** A session that was let in. */
export interface BrokerSession {
  /** Tells it from any other, in all processes. */
  readonly id: string;
  readonly names: SessionNames;
  readonly question: ConnectQuery;
  /** The same object in every question of the session; its proof is an identity, never the secret itself. */
  readonly subject: Subject;
  /** The last connect decision. */
  decision: Decision;
  restsOn: ReadonlySet<RecordKey>;
  /** Monotonic milliseconds at which it must end or be judged again. */
  endsAtMs: number;
  /** What the broker was given at connect, where it is given something. */
  given?: string;
  /** Whether it was ended; everything is denied from then on. */
  ended: boolean;
}

/** Sessions by client id and by what they rest on; bounded, the oldest goes. */
export class SessionTable {
  readonly #max: number;
  readonly #byClient = new Map<string, BrokerSession>();
  readonly #byRecord = new Map<RecordKey, Set<BrokerSession>>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#byClient.size;
  }

  get(key: string): BrokerSession | undefined {
    return this.#byClient.get(key);
  }

  all(): readonly BrokerSession[] {
    return [...this.#byClient.values()];
  }

  /** Sessions that rest on one of these records. */
  restingOn(keys: readonly RecordKey[]): ReadonlySet<BrokerSession> {
    const found = new Set<BrokerSession>();
    for (const key of keys) for (const each of this.#byRecord.get(key) ?? []) found.add(each);
    return found;
  }

  /** Puts a session in the place of an earlier one of the same client. Returns whoever had to go. */
  put(session: BrokerSession): readonly BrokerSession[] {
    const key = keyOf(session.names);
    const gone: BrokerSession[] = [];
    const earlier = this.#byClient.get(key);
    if (earlier !== undefined) {
      this.remove(earlier);
      gone.push(earlier);
    }
    const [oldest] = this.#byClient.values();
    if (this.#byClient.size >= this.#max && oldest !== undefined) {
      this.remove(oldest);
      gone.push(oldest);
    }
    this.#byClient.set(key, session);
    this.#index(session);
    return gone;
  }

  /** A newer connect decision of a session. */
  renew(session: BrokerSession, decision: Decision, endsAtMs: number): void {
    this.#unindex(session);
    session.decision = decision;
    session.restsOn = new Set(decision.rests_on);
    session.endsAtMs = endsAtMs;
    if (this.#byClient.get(keyOf(session.names)) === session) this.#index(session);
  }

  /** Takes a session out; nothing happens where another has its place. */
  remove(session: BrokerSession): void {
    session.ended = true;
    const key = keyOf(session.names);
    if (this.#byClient.get(key) === session) this.#byClient.delete(key);
    this.#unindex(session);
  }

  #index(session: BrokerSession): void {
    for (const key of session.restsOn) {
      let sessions = this.#byRecord.get(key);
      if (sessions === undefined) this.#byRecord.set(key, (sessions = new Set()));
      sessions.add(session);
    }
  }

  #unindex(session: BrokerSession): void {
    for (const key of session.restsOn) {
      const sessions = this.#byRecord.get(key);
      sessions?.delete(session);
      if (sessions?.size === 0) this.#byRecord.delete(key);
    }
  }
}
