/** How a broker wants its questions asked and its answers carried out. */
import type { Decider, Decision } from "../../decision/decision.ts";
import type { Query } from "../../decision/query.ts";
import type { SessionAnnouncer } from "../../enforcement/session-notices.ts";
import { boundedDecider } from "../../runtime/bounded-decider.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import type { AedesClient } from "./dialect.ts";
import type { Ruling } from "./from-decision.ts";
import { defaultRates, type Rates } from "./rates.ts";
import { type DeviceOf, defaultDeviceOf } from "./to-query.ts";

/** One question, its answer and what was done about it. */
export interface Judged {
  readonly query: Query;
  readonly decision: Decision;
  readonly ruling: Ruling;
}

/** Options of the adapter. */
export interface AedesOptions {
  /** Who answers: the decision service in this process, or a client of one. */
  readonly decider: Decider;
  /**
   * Told of sessions, so that they are closed or stripped in the moment in which trust is withdrawn. Default: `decider`,
   * where it is an attached client (`attach`); nobody otherwise.
   */
  readonly sessions?: SessionAnnouncer;
  /** Longest wait for an asynchronous answer, in milliseconds; then it is a denial. Default 1000. */
  readonly deadlineMs?: number;
  /**
   * MQTT 3.1.1 leaves two ways to refuse a publish [MQTT-3.3.5-2]. `close` (default): the connection ends, its
   * will fires, and most clients come back at once. `drop`: the message is acknowledged, reaches nobody, and
   * the device is not told. A denial that passes by itself (`backoff`) is dropped either way, because such a
   * denial must not cost a session.
   */
  readonly onDeniedPublish?: "close" | "drop";
  /**
   * Aedes asks about each delivery and takes no answer later. `granted` (default): from what was granted at
   * SUBSCRIBE, while that answer is valid; a withdrawn right is noticed at the next recheck. `asked`: also
   * asks the decider each time (may this session subscribe to exactly this topic?), so that a withdrawn
   * right ends with the next message. Only for deciders that answer synchronously; a promise counts as
   * no objection.
   */
  readonly deliveries?: "granted" | "asked";
  /** Whether a connection belongs to a gateway, which then speaks for the devices of its topics. Default: none. */
  readonly isGateway?: (client: AedesClient) => boolean;
  /** The topic layout. Default `t/<tenant>/d/<device>/...`. Read for gateways only. */
  readonly deviceOf?: DeviceOf;
  /** Publishes per second by `rate_class`. */
  readonly rates?: Rates;
  /** Longest time a publish waits for its token, in milliseconds; beyond it is refused as `rate_limited`. Default 5000. */
  readonly maxDelayMs?: number;
  /** Most filters of one session. Default 256. */
  readonly maxFilters?: number;
  /** Told each answer and what was done about it, deliveries excepted. Must not throw. */
  readonly onDecision?: (judged: Judged) => void;
  /** Told when a session ends by a decision, by time or with its connection. */
  readonly onSessionEnd?: (clientId: string, why: string) => void;
  /** Told why a question had no answer in time. */
  readonly onFault?: (fault: unknown, query: Query) => void;
  readonly clock?: Clock;
}

/** Options with every default filled in; the decider keeps its deadline and never throws. */
export type Settings = Required<Omit<AedesOptions, "sessions">> & {
  readonly nextId: () => string;
  readonly sessions: SessionAnnouncer | undefined;
};

const nothing = (): void => {};

function announces(decider: Decider): decider is Decider & SessionAnnouncer {
  return typeof (decider as Partial<SessionAnnouncer>).session === "function";
}

/** Fills in the defaults. `nextId` names the denials that the adapter makes itself. */
export function toSettings(options: AedesOptions, nextId: () => string): Settings {
  const deadlineMs = options.deadlineMs ?? 1000;
  const onFault = options.onFault ?? nothing;
  return {
    decider: boundedDecider(options.decider, { deadlineMs, nextId, onFault }),
    sessions: options.sessions ?? (announces(options.decider) ? options.decider : undefined),
    deadlineMs,
    onDeniedPublish: options.onDeniedPublish ?? "close",
    deliveries: options.deliveries ?? "granted",
    isGateway: options.isGateway ?? (() => false),
    deviceOf: options.deviceOf ?? defaultDeviceOf,
    rates: options.rates ?? defaultRates,
    maxDelayMs: options.maxDelayMs ?? 5000,
    maxFilters: options.maxFilters ?? 256,
    onDecision: options.onDecision ?? nothing,
    onSessionEnd: options.onSessionEnd ?? nothing,
    onFault,
    clock: options.clock ?? systemClock,
    nextId,
  };
}
