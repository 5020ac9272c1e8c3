/** What decides in a process: the log, the policy, and what attached brokers are told. */
import type { Config } from "../config/config.ts";
import type { Decider } from "../decision/decision.ts";
import type { Peer } from "../decision/identity.ts";
import type { GateWatch } from "../eligibility/gate-watch.ts";
import { DecisionLog, discardDecisions } from "../log/decision-log.ts";
import type { Sink } from "../log/sink.ts";
import { Activation, type PolicyWatch } from "../pdp/activation.ts";
import type { Effects } from "../pdp/effects.ts";
import { cacheMetrics, DecisionCounts } from "../pdp/metrics.ts";
import { Pdp, type PeerDecider } from "../pdp/pdp.ts";
import type { IdentityProver } from "../pdp/session.ts";
import type { RecordReader } from "../registry/stored-record.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Closing } from "../runtime/closing.ts";
import { Fault } from "../runtime/fault.ts";
import type { Metric } from "../runtime/ports.ts";
import type { PeerEntry } from "../server/peers.ts";
import type { Logger } from "../telemetry/logger.ts";
import { type Coherence, type Inheritance, startCoherence } from "./coherence.ts";
import { peerEntries, rateLimits } from "./parts.ts";
import { openProver } from "./trust.ts";
import { type Pauses, watchGates } from "./updates.ts";

/** Parts of {@link Deciding}. */
export interface DecidingParts {
  readonly config: Config;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stack: Closing;
  readonly records: RecordReader;
  readonly effects: Effects;
  /** Whether leases may be granted now; absent: always. */
  readonly leases?: () => boolean;
  readonly pauses: Pauses;
  /** Where the decision log goes; `undefined`: nowhere. */
  readonly sink: Sink | undefined;
  readonly inheritance: Inheritance;
  /** Is told of every evaluation of a policy. */
  readonly policyWatch?: PolicyWatch | undefined;
}

/** A process that can decide, once a policy is in force. */
export interface Deciding {
  readonly pdp: Pdp;
  readonly activation: Activation;
  readonly log: DecisionLog | undefined;
  readonly watch: GateWatch;
  readonly coherence: Coherence;
  readonly entries: readonly PeerEntry[];
  readonly metrics: readonly Metric[];
  readonly onFault: (thrown: unknown) => void;
  /** Proves who is asking. */
  readonly prover: IdentityProver;
  deciderOf(peer: Peer): PeerDecider;
}

/** Builds it. Throws `config_invalid`. */
export async function startDeciding(parts: DecidingParts): Promise<Deciding> {
  const { clock, config, logger, records, sink, stack } = parts;
  const onFault = (thrown: unknown): void => logger.error("a call failed", { error: thrown });
  const mask: { of: Activation["mask"] } = { of: () => undefined };
  const log =
    sink === undefined
      ? undefined
      : new DecisionLog({
          sink,
          clock,
          labels: { app: "sallyport", version: parts.version },
          queueMax: config.decision_log.queue_max,
          aggregateHitsS: config.decision_log.aggregate_hits_s,
          mask: () => mask.of(),
        });
  if (log !== undefined) stack.use(log);
  const watch = watchGates(log ?? discardDecisions, records, parts.pauses, onFault);
  const counts = new DecisionCounts(watch);
  const prover = await openProver(config, records, clock);
  const limits = rateLimits(config, clock);
  const pdp = new Pdp({
    ...(limits === undefined ? {} : { rateLimits: limits }),
    facts: records,
    clock,
    prover,
    effects: parts.effects,
    recorder: counts,
    cacheLimits: config.cache,
    queryLimits: { topic_bytes: config.limits.topic_bytes, approvals: config.limits.approvals },
    onFault: (fault, query) => logger.error("a policy evaluation failed", { error: fault, kind: query.kind }),
  });
  const coherence = startCoherence(config, records, clock, parts.inheritance, parts.leases);
  stack.defer(pdp.onChange((change) => void coherence.attachments.apply(change)));
  const activation = stack.use(new Activation(pdp, clock, parts.policyWatch));
  mask.of = activation.mask;
  const entries = peerEntries(config);
  const deciders = new Map<Peer, PeerDecider>(entries.map(({ peer }) => [peer, pdp.decider(peer)]));
  return {
    pdp,
    activation,
    log,
    watch,
    coherence,
    entries,
    metrics: [
      ...counts.metrics(),
      ...cacheMetrics(pdp, clock),
      ...activation.metrics(),
      ...coherence.metrics,
      ...(log?.metrics() ?? []),
    ],
    onFault,
    prover,
    deciderOf: (peer) => deciders.get(peer) ?? pdp.decider(peer),
  };
}

/** The decider of a configured peer, for callers in the same process. Throws `not_found`. */
export function deciderNamed(deciding: Deciding, name: string): PeerDecider & Decider {
  const entry = deciding.entries.find(({ peer }) => peer.name === name);
  if (entry === undefined) throw new Fault("not_found", `there is no peer \`${name}\` in the configuration`);
  return deciding.deciderOf(entry.peer);
}
