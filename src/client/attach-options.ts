/** What an attached client is told, and what it can be asked. */
import type { Decider } from "../decision/decision.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Fault } from "../runtime/fault.ts";
import type { AttachedSession, SessionParts } from "./attached-session.ts";
import type { ChannelParts } from "./channel.ts";

/** Where the nodes are, and bounds. */
export interface AttachOptions extends Omit<ChannelParts, "address"> {
  /** Nodes, `host:port` or `unix:PATH`; a device is asked about at one of them as long as it can be reached. */
  readonly addresses: readonly string[];
  /** Streams to each node. Default 1. */
  readonly streams?: number;
  /** Name in receipts. Default: a random one. */
  readonly name?: string;
  /** Longest wait for an answer, in milliseconds; then it is the denial `internal_error`. Default 1000. */
  readonly deadlineMs?: number;
  /** Devices whose answers are remembered. Default 100,000. */
  readonly maxSubjects?: number;
  /** Answers remembered per device and shape of question. Default 64. */
  readonly maxAnswersPerSubject?: number;
  /** Questions that may wait; beyond it the answer is the denial `rate_limited`, at once. Default 10,000. */
  readonly maxWaiting?: number;
  /** Questions in one batch at most. Default 64. */
  readonly batch?: number;
  /** Batches that may wait for their results on one stream. Default 4. */
  readonly waitingBatches?: number;
  /** Told why a question was answered with a denial of the client's own. */
  readonly onFault?: (fault: Fault) => void;
  readonly clock?: Clock;
}

/** Numbers that only grow, and three that do not: `streams_up`, `waiting`, `subjects`. */
export interface AttachMetrics {
  readonly hits: number;
  readonly asked: number;
  readonly denied_here: number;
  readonly overtaken: number;
  readonly changes: number;
  readonly forgotten: number;
  readonly sessions_ended: number;
  readonly stream_ends: number;
  readonly streams_up: number;
  readonly waiting: number;
  readonly subjects: number;
}

/** An attached client. `decide` answers at once where it remembers, never throws and never rejects. */
export interface Attached extends Decider, AsyncDisposable {
  /** Announces a session whose connect was allowed, so that it is closed or stripped when trust is withdrawn. */
  session(parts: SessionParts): AttachedSession;
  /** Resolves once a stream has its lease. Rejects with `deadline_exceeded`. */
  ready(withinMs: number): Promise<void>;
  metrics(): AttachMetrics;
}
