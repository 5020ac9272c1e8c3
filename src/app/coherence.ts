/** What attached brokers and receipts need of the whole process: leases, promises, and what the last one left. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Promises, unboundedUntil } from "../coherence/promises.ts";
import type { Config } from "../config/config.ts";
import type { Decision } from "../decision/decision.ts";
import type { Peer } from "../decision/identity.ts";
import { attachmentMetrics } from "../pdp/attachment-metrics.ts";
import { Attachments } from "../pdp/attachments.ts";
import type { FactsReader } from "../pdp/facts-reader.ts";
import type { PeerDecider } from "../pdp/pdp.ts";
import { mayAllowUntil } from "../pdp/reuse.ts";
import type { Clock } from "../runtime/clock.ts";
import type { GrpcService, Metric } from "../runtime/ports.ts";
import { brokerService } from "../services/broker-service.ts";

/** Parts of the service that this builds. */
export interface Coherence {
  readonly attachments: Attachments;
  /** Remembers an answer to a caller who cannot be told; `until` may be later than the decision's own end. */
  readonly promised: (decision: Decision, until?: number) => void;
  /** The face of attached brokers. */
  readonly service: (deciderOf: (peer: Peer) => PeerDecider) => GrpcService;
  readonly metrics: readonly Metric[];
}

/** Two clocks drift apart by less than this share of a lease, and a message is read within the constant. */
const driftShare = 0.01;
const readingMs = 50;
/** The end of all promises is written down this far ahead, so that it is written seldom. */
const aheadS = 600;

/**
 * How long the longest promise of this process runs, on disk before the promise is made: a restart then calls no
 * device covered that its predecessor promised something.
 */
class Horizon {
  readonly #file: string;
  #until = 0;
  /** What the process before this one wrote; `undefined`: there was none. */
  readonly inherited: number | undefined;

  constructor(file: string) {
    this.#file = file;
    this.inherited = readUntil(file);
    this.#write(this.inherited ?? 0);
  }

  cover(until: number): void {
    if (until <= this.#until) return;
    this.#write(until === unboundedUntil ? until : until + aheadS);
  }

  #write(until: number): void {
    mkdirSync(path.dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.new`, String(until));
    renameSync(`${this.#file}.new`, this.#file);
    this.#until = until;
  }
}

const horizonPrefix = "promised-until";
const horizonName = (worker: number | undefined): string =>
  worker === undefined ? horizonPrefix : `${horizonPrefix}.${worker}`;

/**
 * The end of what any process of an earlier run has promised, unix seconds; `undefined`: there was none. What cannot
 * be read counts as a promise without end.
 */
export function promisedBefore(config: Config): number | undefined {
  let names: string[];
  try {
    names = readdirSync(config.registry.dir);
  } catch {
    return undefined;
  }
  const ends = names
    .filter((name) => /^promised-until(\.\d+)?$/.test(name))
    .map((name) => readUntil(path.join(config.registry.dir, name)) ?? 0);
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** The end of what the worker of this number has promised, unix seconds; `undefined`: nothing. */
export function promisedBy(config: Config, worker: number): number | undefined {
  return readUntil(path.join(config.registry.dir, horizonName(worker)));
}

function readUntil(file: string): number | undefined {
  try {
    const until = Number(readFileSync(file, "utf8"));
    // What cannot be read must be taken for the worst.
    return Number.isSafeInteger(until) && until >= 0 ? until : unboundedUntil;
  } catch {
    return undefined;
  }
}

/** What a process takes over from those before it. */
export interface Inheritance {
  /** Number of the worker; absent: the only process. */
  readonly worker?: number;
  /** End of what processes that are gone have promised, unix seconds, beside what its own file says. */
  readonly promisedUntil?: number;
  /** Somebody else accounts for leases of processes that are gone. */
  readonly leasesAccounted?: boolean;
}

/** Builds them. */
export function startCoherence(
  config: Config,
  facts: FactsReader,
  clock: Clock,
  { leasesAccounted = false, promisedUntil = 0, worker }: Inheritance,
  granting: () => boolean = () => true,
): Coherence {
  const { lease_s, max_promises } = config.coherence;
  const horizon = new Horizon(path.join(config.registry.dir, horizonName(worker)));
  const promises = new Promises(max_promises, Math.max(horizon.inherited ?? 0, promisedUntil));
  const durationMs = lease_s * 1000;
  const attachments = new Attachments({
    clock,
    facts,
    terms: { durationMs, marginMs: Math.ceil(durationMs * driftShare) + readingMs, granting },
    promises,
    succeeds: horizon.inherited !== undefined && !leasesAccounted,
  });
  return {
    attachments,
    metrics: attachmentMetrics(attachments),
    service: (deciderOf) =>
      brokerService({
        deciderOf,
        attachments,
        limits: config.limits,
        clock,
        usableMs: config.coherence.usable_s * 1000,
        promised: (until) => horizon.cover(until),
      }),
    promised: (decision, until = 0) => {
      const end = Math.max(until, mayAllowUntil(decision, clock.now()));
      if (end === 0 || !decision.allow) return;
      horizon.cover(end);
      for (const key of decision.rests_on) promises.promise(key, end);
    },
  };
}
