/** What an attached client is told, and what it can be asked. */
import type { Decider } from "../decision/decision.ts";
import type { Kind } from "../decision/query.ts";
import type { SessionAnnouncer } from "../enforcement/session-notices.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Fault } from "../runtime/fault.ts";
import type { ChannelParts } from "./channel.ts";

/** Where the nodes are, and bounds. */
export interface AttachOptions extends Omit<ChannelParts, "address"> {
  /** Nodes, `host:port` or `unix:PATH`; a device is asked about at one of them as long as it can be reached. */
  readonly addresses: readonly string[];
  /** Streams to each node, each a connection of its own: a node's workers share them. Default 1. */
  readonly streams?: number;
  /** Name in receipts. Default: a random one. */
  readonly name?: string;
  /** Longest wait for an answer, in milliseconds; then it is the denial `internal_error`. Default 1000. */
  readonly deadlineMs?: number;
  /** Devices whose answers are remembered. Default 100,000. */
  readonly maxSubjects?: number;
  /** Answers remembered per device and shape of question. Default 64. */
  readonly maxAnswersPerSubject?: number;
  /**
   * Questions that may wait; beyond it the answer is the denial `rate_limited`, at once. Fewer while answers take more
   * than half of `deadlineMs`: a queue that is longer than its deadline answers nobody. Default 10,000.
   */
  readonly maxWaiting?: number;
  /** Questions in one batch at most. Default 64. */
  readonly batch?: number;
  /** Batches that may wait for their results on one stream at most; fewer while the service is slow. Default 4. */
  readonly waitingBatches?: number;
  /**
   * What becomes of questions of a kind while no node can be reached. `closed`, the default of each kind: they are
   * denied. `static`, for publish and subscribe: what was answered before goes on, where and as long as the service
   * granted that with the answer, and ends when any node is reached; receipts call such answers `uncovered`.
   */
  readonly failModes?: Readonly<Partial<Record<Kind, "closed" | "static">>>;
  /** Told why a question was answered with a denial of the client's own. */
  readonly onFault?: (fault: Fault) => void;
  readonly clock?: Clock;
}

/** What a client counts. The first group only grows, the second goes up and down. */
export interface AttachMetrics {
  /** Questions answered from memory. */
  readonly hits: number;
  /** Of these: while no node could be reached. */
  readonly static_hits: number;
  /** Questions sent to a node. */
  readonly asked: number;
  readonly batches: number;
  /** Denials of the client's own: late, too many, no node. */
  readonly denied_here: number;
  /** Answers that a change overtook, so that they were asked for again. */
  readonly overtaken: number;
  /** Changes that were told, and subjects that were forgotten for them. */
  readonly changes: number;
  readonly forgotten: number;
  /** Sessions that were closed because trust was withdrawn. */
  readonly sessions_ended: number;
  readonly stream_ends: number;
  readonly streams_up: number;
  /** Questions that wait for an answer, and those of them that have not left yet. */
  readonly waiting: number;
  /** Questions that may wait now. */
  readonly room: number;
  readonly queued: number;
  readonly sessions: number;
  /** Subjects that are remembered. */
  readonly subjects: number;
}

/** An attached client. `decide` answers at once where it remembers, never throws and never rejects. */
export interface Attached extends Decider, SessionAnnouncer, AsyncDisposable {
  /** Resolves once a stream has its lease. Rejects with `deadline_exceeded`. */
  ready(withinMs: number): Promise<void>;
  metrics(): AttachMetrics;
}
