/** What an enforcement point is made of. */
import type { Decider, Decision } from "../decision/decision.ts";
import type { Evidence } from "../decision/identity.ts";
import type { Query } from "../decision/query.ts";
import type { Supports } from "../decision/supports.ts";
import type { Clock } from "../runtime/clock.ts";
import type { BrokerSession } from "./broker-session.ts";
import type { Kick } from "./kicks.ts";
import type { Proven } from "./prove-in-time.ts";
import type { Bounds, Ruling } from "./ruling.ts";
import type { SessionExchange } from "./session-exchange.ts";
import type { StormGuard } from "./storm-guard.ts";

/** One question, its answer and what is done about it. */
export interface Judged {
  readonly query: Query;
  readonly decision: Decision;
  readonly ruling: Ruling;
}

/** Parts of an `EnforcementPoint`. */
export interface EnforcementParts {
  readonly decider: Decider;
  /** Verifies evidence. What is proven stands for the session from then on, so that no secret is kept. */
  readonly prove: (evidence: Evidence) => Proven | Promise<Proven>;
  readonly supports: Supports;
  readonly bounds: Bounds;
  readonly clock: Clock;
  /** Longest wait for an answer, in milliseconds; well below the broker's own. */
  readonly deadlineMs: number;
  /** Names the denials that are made here. */
  readonly nextId: () => string;
  readonly guard?: StormGuard;
  /** Most sessions at once; default 1,000,000. */
  readonly maxSessions?: number;
  /** Ends a session at the broker; absent: the dialect cannot. */
  readonly kick?: Kick;
  /** Where other processes enforce for the same broker. */
  readonly exchange?: SessionExchange;
  /** After a change: whether what the broker was told of a session still holds. Default: yes. */
  readonly stillFits?: (session: BrokerSession) => boolean | Promise<boolean>;
  /** Told every answer and what is done about it. Must not throw. */
  readonly onJudged?: (judged: Judged) => void;
  readonly onFault?: (fault: unknown) => void;
}
