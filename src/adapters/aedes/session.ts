/** One client connection: who it is, until when it may stay, what it was granted. */
import type { Decision } from "../../decision/decision.ts";
import type { ConnectQuery, Subject } from "../../decision/query.ts";
import { Alarm } from "../../runtime/alarm.ts";
import type { Clock } from "../../runtime/clock.ts";
import { TokenBucket } from "../../runtime/token-bucket.ts";
import type { AedesClient, AedesWill } from "./dialect.ts";
import { ReceiveGrants } from "./grants.ts";
import type { Notices } from "./notices.ts";
import type { Rates } from "./rates.ts";
import { toLeafSubject } from "./to-query.ts";

/** Most leaves of a gateway whose subjects are kept. */
const mostLeaves = 10_000;

/** Parts of a session. */
export interface SessionParts {
  readonly client: AedesClient;
  readonly question: ConnectQuery;
  readonly will: AedesWill | undefined;
  readonly isGateway: boolean;
  readonly clock: Clock;
  readonly rates: Rates;
  /** Its time has come to be judged again. */
  readonly onRecheck: (session: Session) => void;
  /** Its time is over, or it was told to end. */
  readonly onEnd: (session: Session, why: string) => void;
}

export class Session {
  readonly parts: SessionParts;
  readonly grants: ReceiveGrants = new ReceiveGrants();
  /** The session as the decision service knows it, once it was announced. */
  notices: Notices | undefined;
  /** Highest QoS to grant, from the connect decision. */
  maxQos: 0 | 1 | 2 = 2;
  /** Publishes still waiting for their turn; they are applied in the order of arrival [MQTT-4.6.0-5]. */
  waiting = 0;
  turn: Promise<void> = Promise.resolve();
  readonly #leaves = new Map<string, Subject>();
  readonly #ttl: Alarm;
  readonly #recheck: Alarm;
  #endsAtMs = Number.POSITIVE_INFINITY;
  #recheckAtMs = Number.POSITIVE_INFINITY;
  #bucket: TokenBucket | undefined;
  #state: "new" | "open" | "ended" = "new";

  constructor(parts: SessionParts) {
    this.parts = parts;
    this.#ttl = new Alarm(() => this.end("session time is over"));
    this.#recheck = new Alarm(() => {
      this.#recheckAtMs = Number.POSITIVE_INFINITY;
      if (this.alive) parts.onRecheck(this);
    });
  }

  /** The same object in every question of this connection. */
  get subject(): Subject {
    return this.parts.question.subject;
  }

  /** Whether it was let in, its connection stands and its time is not over. */
  get alive(): boolean {
    return (
      this.#state === "open" && !this.parts.client.closed && this.parts.clock.monotonicMs() < this.#endsAtMs
    );
  }

  get ended(): boolean {
    return this.#state === "ended";
  }

  /** The subject behind a topic or filter: the connection's own, or the leaf that a gateway speaks for. */
  subjectFor(device: string | undefined): Subject {
    if (!this.parts.isGateway || device === undefined || device === this.subject.client_id)
      return this.subject;
    const known = this.#leaves.get(device);
    if (known !== undefined) return known;
    const leaf = toLeafSubject(this.subject, device);
    const oldest = this.#leaves.size < mostLeaves ? undefined : this.#leaves.keys().next().value;
    if (oldest !== undefined) this.#leaves.delete(oldest);
    this.#leaves.set(device, leaf);
    return leaf;
  }

  /** The session is let in, or let stay, by a connect decision. */
  open(decision: Decision): void {
    if (this.#state === "ended") return;
    this.#state = "open";
    this.maxQos = toQos(decision.obligations.max_qos);
    this.#endsAtMs = Number.POSITIVE_INFINITY;
    this.#recheckAtMs = Number.POSITIVE_INFINITY;
    this.#ttl.clear();
    this.#recheck.clear();
    this.heed(decision);
  }

  /** Carries out the obligations of an allow that concern the session; its time only ever shrinks here. */
  heed(decision: Decision): void {
    if (this.#state === "ended") return;
    const { session_ttl_s, recheck_after_s, rate_class } = decision.obligations;
    const { clock, rates } = this.parts;
    const nowMs = clock.monotonicMs();
    if (session_ttl_s !== undefined && nowMs + session_ttl_s * 1000 < this.#endsAtMs) {
      this.#endsAtMs = nowMs + session_ttl_s * 1000;
      this.#ttl.set(session_ttl_s * 1000);
    }
    // A little early, and not all at once.
    if (recheck_after_s !== undefined) this.recheckIn(recheck_after_s * (0.9 + 0.1 * Math.random()));
    const rate = rate_class === undefined ? undefined : rates[rate_class];
    if (rate === undefined) return;
    if (this.#bucket === undefined) this.#bucket = new TokenBucket(rate, nowMs);
    else if (this.#bucket.rate !== rate) this.#bucket.setRate(rate, nowMs);
  }

  /** Asks again in `seconds`, or earlier if that is planned already. */
  recheckIn(seconds: number): void {
    const inMs = Math.max(seconds, 1) * 1000;
    const atMs = this.parts.clock.monotonicMs() + inMs;
    if (this.#state !== "open" || atMs >= this.#recheckAtMs) return;
    this.#recheckAtMs = atMs;
    this.#recheck.set(inMs);
  }

  /** Milliseconds to wait before the next publish; `undefined`: more than `maxWaitMs`. */
  nextPublishMs(maxWaitMs: number): number | undefined {
    return this.#bucket === undefined ? 0 : this.#bucket.take(this.parts.clock.monotonicMs(), maxWaitMs);
  }

  /** Ends it: timers stop, nothing is granted any more, the connection is closed. Its will may still fire. */
  end(why: string): void {
    if (this.#state === "ended") return;
    const wasOpen = this.#state === "open";
    this.stop();
    this.parts.onEnd(this, why);
    if (wasOpen && !this.parts.client.closed) this.parts.client.close();
  }

  /** Stops timers and grants without touching the connection. */
  stop(): void {
    this.#state = "ended";
    this.notices?.closed();
    this.#ttl.clear();
    this.#recheck.clear();
    this.grants.clear();
  }
}

/** A QoS out of an obligation; absent: no cap. */
export function toQos(value: number | undefined): 0 | 1 | 2 {
  return value === 0 || value === 1 ? value : 2;
}
