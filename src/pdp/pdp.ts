/** The policy decision point: proofs, cache, policy and effects behind one `decide`. */
import type { CacheLimits } from "../cache/decision-cache.ts";
import type { Change } from "../decision/change.ts";
import type { Decider, Decision } from "../decision/decision.ts";
import { denial } from "../decision/denial.ts";
import type { Peer } from "../decision/identity.ts";
import type { CommandQuery, OtaQuery, Query, SessionQuery, Subject } from "../decision/query.ts";
import { Fault } from "../runtime/fault.ts";
import { nextDecisionId } from "./answer.ts";
import { type AuthorityProver, resolveAuthority } from "./authority.ts";
import { type Comparison, comparePolicies, type Sample } from "./compare-policies.ts";
import { decideService, isService, type ServiceQuery } from "./decide-consume.ts";
import { decideOta, judgeOta, type OtaJudgement } from "./decide-ota.ts";
import { DecisionCore } from "./decision-core.ts";
import { Desk, type DeskParts } from "./desk.ts";
import { applyEffects, type Effects, needsEffect } from "./effects.ts";
import { Examiner, ungrounded, withoutGrants } from "./examiner.ts";
import type { Explanation } from "./explanation.ts";
import type { GrantList } from "./grants.ts";
import type { RateLimits } from "./rate-limits.ts";
import { hostVerdict } from "./result.ts";
import { type IdentityProver, isSession, type Resolution, resolveSession, type Session } from "./session.ts";
import { SessionSlot } from "./session-slot.ts";
import type { PolicySnapshot } from "./snapshot.ts";
import { Warming } from "./warming.ts";

/** Parts of a {@link Pdp}. */
export interface PdpParts extends DeskParts {
  readonly prover: IdentityProver & AuthorityProver;
  readonly effects: Effects;
  readonly cacheLimits: CacheLimits;
  /** Absent: nobody asks too often. */
  readonly rateLimits?: RateLimits;
}

/** A decider bound to the peer that asks, with the questions only our own faces have. */
export interface PeerDecider extends Decider {
  readonly peer: Peer;
  /** Why the answer is what it is. Never rejects. */
  explain(query: Query): Promise<Explanation>;
  /** What the answer to an OTA question would be; not recorded. */
  foresee(query: OtaQuery): OtaJudgement;
  /** The topic filters of a session. Never rejects. */
  grants(subject: Subject): Promise<GrantList>;
}

/** What {@link Pdp.barred} denies. */
const barredVerdict = hostVerdict("internal_error", { alert: "policy_blocked" });
const barredDetail = "an earlier question of this kind about this device blocked the policy";

const rateLimited = hostVerdict("rate_limited", { retry_after_s: 1 });

/** Answers questions of all peers. */
export class Pdp {
  readonly #parts: PdpParts;
  readonly #desk: Desk;
  #warming: Warming | undefined;
  readonly #core: DecisionCore;
  readonly #examiner: Examiner;
  readonly #prover: IdentityProver & AuthorityProver;
  readonly #effects: Effects;
  readonly #rates: RateLimits | undefined;
  readonly #listeners = new Set<(change: Change) => void>();

  constructor(parts: PdpParts) {
    this.#parts = parts;
    this.#desk = new Desk(parts);
    this.#core = new DecisionCore(this.#desk, parts.cacheLimits);
    this.#examiner = new Examiner(this.#desk, this.#core);
    this.#prover = parts.prover;
    this.#effects = parts.effects;
    this.#rates = parts.rateLimits;
  }

  /** The policy in force. */
  get snapshot(): PolicySnapshot | undefined {
    return this.#desk.snapshot;
  }

  /** The cache, for metrics. */
  get cache(): DecisionCore["cache"] {
    return this.#core.cache;
  }

  /** Puts a policy in force: every later answer is its own. */
  activate(snapshot: PolicySnapshot, warm?: DecisionCore["cache"]): void {
    this.#warming = undefined;
    this.#core.activate(snapshot, warm);
    this.#announce({ scope: "everything", revision: this.#desk.facts.revision });
  }

  /** Gathers questions from now on, to be answered ahead by the next policy; `false`: no more, and forgets them. */
  gather(on: boolean): void {
    if (!on) this.#warming = undefined;
    else this.#warming ??= new Warming(this.#parts, this.#parts.cacheLimits);
  }

  /** Answers what was gathered by the next policy, off the hot path; `undefined`: nothing was. */
  async warm(snapshot: PolicySnapshot): Promise<DecisionCore["cache"] | undefined> {
    return this.#warming?.warm(snapshot);
  }

  /** Is handed every question that a policy answers, while it is set; must return at once and not throw. */
  sampler: ((sample: Sample) => void) | undefined;

  /** Kinds and devices, as `publish meter-001`, whose questions the policy is not asked: they have blocked it. */
  barred: ReadonlySet<string> = new Set();

  #isBarred(kind: string, device: string): boolean {
    return this.barred.size > 0 && this.barred.has(`${kind} ${device}`);
  }

  /** Answers a sample by the policy in force and by another. Throws `not_ready` where none is in force. */
  compare(sample: Sample, candidate: PolicySnapshot): Comparison {
    const { snapshot } = this.#desk;
    if (snapshot === undefined) throw new Fault("not_ready", "no policy is in force to compare with");
    return comparePolicies(this.#desk, sample, snapshot, candidate);
  }

  /** Facts changed; what rests on them is asked again. */
  apply(change: Change): void {
    this.#core.apply(change);
    this.#warming?.apply(change);
    this.#announce(change);
  }

  /** Calls `listener`, in the same turn, with every change that the next decision obeys. Returns how to stop. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #announce(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }

  /** A decider for one peer. */
  decider(peer: Peer): PeerDecider {
    const kinds = new Set(peer.kinds);
    const may = (kind: string): boolean => kinds.has("*") || kinds.has(kind);
    const known = new SessionSlot();
    const resolve = (subject: Subject): Resolution | Promise<Resolution> => {
      const session = known.of(subject);
      if (session !== undefined) return session;
      const resolution = resolveSession(this.#prover, subject, peer);
      if (!(resolution instanceof Promise) && isSession(resolution) && resolution.lasting) {
        // A back-end is looked up each time: only what is kept is known to be a device's.
        if (!isService(this.#desk.facts, resolution)) known.keep(subject, resolution);
      }
      return resolution;
    };
    const commands = may("command");
    return {
      peer,
      decide: (query) => {
        try {
          if (!may(query.kind)) return this.#denyKind(peer, query);
          if ("device_id" in query && this.#isBarred(query.kind, query.device_id))
            return this.#desk.deny(barredVerdict, peer, query, barredDetail);
          if (query.kind === "command") return this.#decideCommand(peer, query);
          if (query.kind === "ota") return decideOta(this.#desk, peer, query);
          const resolution = resolve(query.subject);
          return resolution instanceof Promise
            ? this.#decideLater(peer, query, resolution, commands)
            : this.#decideSession(peer, query, resolution, commands);
        } catch (thrown) {
          return this.#refuse(peer, query, thrown);
        }
      },
      explain: async (query) => {
        if (!may(query.kind)) return ungrounded(this.#denyKind(peer, query));
        if ("device_id" in query && this.#isBarred(query.kind, query.device_id))
          return ungrounded(this.#desk.deny(barredVerdict, peer, query, barredDetail));
        if (query.kind === "command") {
          const authority = await resolveAuthority(this.#prover, peer, query);
          if ("reason" in authority)
            return ungrounded(this.#desk.deny(hostVerdict(authority.reason), peer, query, authority.detail));
          return this.#examiner.explainCommand(peer, query, authority);
        }
        if (query.kind === "ota") return this.#examiner.explainOta(peer, query);
        const resolution = await resolveSession(this.#prover, query.subject, peer);
        if (isSession(resolution) && this.#isBarred(query.kind, resolution.deviceId))
          return ungrounded(this.#desk.deny(barredVerdict, peer, query, barredDetail));
        if (isSession(resolution) && (query.kind === "consume" || isService(this.#desk.facts, resolution)))
          return this.#examiner.explainService(resolution, query);
        if (isSession(resolution) && query.kind !== "consume")
          return this.#examiner.explain(resolution, query);
        if (isSession(resolution)) return ungrounded(this.#denyKind(peer, query));
        return ungrounded(this.#deny(peer, query, resolution.reason, resolution.detail));
      },
      foresee: (query) => judgeOta(this.#desk, peer, query),
      grants: async (subject) => {
        const query: SessionQuery = { kind: "connect", subject };
        if (!may("connect")) return withoutGrants(this.#denyKind(peer, query));
        const resolution = await resolveSession(this.#prover, subject, peer);
        if (isSession(resolution) && this.#isBarred("grants", resolution.deviceId))
          return withoutGrants(this.#desk.deny(barredVerdict, peer, query, barredDetail));
        if (isSession(resolution))
          return isService(this.#desk.facts, resolution)
            ? this.#examiner.serviceGrants(resolution)
            : this.#examiner.grants(resolution);
        return withoutGrants(this.#deny(peer, query, resolution.reason, resolution.detail));
      },
    };
  }

  /** Whatever is thrown, the answer is a decision: a query that no type would let through is denied. */
  #refuse(peer: Peer, query: Query, thrown: unknown): Decision {
    try {
      return this.#desk.fault(thrown, peer, query);
    } catch {
      return denial("internal_error", { id: nextDecisionId() });
    }
  }

  async #decideLater(
    peer: Peer,
    query: ServiceQuery,
    resolution: Promise<Resolution>,
    commands: boolean,
  ): Promise<Decision> {
    try {
      return await this.#decideSession(peer, query, await resolution, commands);
    } catch (thrown) {
      return this.#refuse(peer, query, thrown);
    }
  }

  #decideSession(
    peer: Peer,
    query: ServiceQuery,
    resolution: Resolution,
    commands: boolean,
  ): Decision | Promise<Decision> {
    if (!isSession(resolution)) {
      if (this.#rates?.admitsUnproven(peer.name) === false)
        return this.#desk.deny(rateLimited, peer, query, undefined);
      return this.#deny(peer, query, resolution.reason, resolution.detail);
    }
    if (this.#rates?.admits(resolution, query) === false)
      return this.#desk.deny(rateLimited, peer, query, undefined);
    if (this.barred.size > 0 && this.#isBarred(query.kind, resolution.deviceId))
      return this.#desk.deny(barredVerdict, peer, query, barredDetail);
    if (
      query.kind === "consume" ||
      (resolution.keeper === undefined && isService(this.#desk.facts, resolution))
    )
      return this.#decideService(peer, query, resolution, commands);
    this.sampler?.({ kind: "session", session: resolution, query });
    this.#warming?.offer(resolution, query);
    const decision = this.#core.decide(resolution, query);
    if (!needsEffect(decision)) return decision;
    return applyEffects(this.#effects, resolution, decision, this.#desk.clock.now()).then((verdict) =>
      verdict === undefined
        ? decision
        : this.#desk.deny(verdict, peer, query, "the service could not do its duty"),
    );
  }

  #decideService(peer: Peer, query: ServiceQuery, session: Session, commands: boolean): Decision {
    return decideService(this.#desk, session, query, (asked, command, actor) =>
      commands
        ? this.#core.decideCommand(asked, command, { actor, approvals: [], break_glass: null })
        : this.#denyKind(peer, command),
    );
  }

  async #decideCommand(peer: Peer, query: CommandQuery): Promise<Decision> {
    try {
      const authority = await resolveAuthority(this.#prover, peer, query);
      if ("reason" in authority) return this.#deny(peer, query, authority.reason, authority.detail);
      this.sampler?.({ kind: "command", peer, query, authority });
      return this.#core.decideCommand(peer, query, authority);
    } catch (thrown) {
      return this.#refuse(peer, query, thrown);
    }
  }

  /** What nothing proves is denied here; before the first snapshot even that is not known yet. */
  #deny(peer: Peer, query: Query, reason: Parameters<typeof hostVerdict>[0], detail: string): Decision {
    const { synced } = this.#desk.facts.freshness();
    const said = !synced && reason !== "bad_request" ? "facts_not_ready" : reason;
    return this.#desk.deny(hostVerdict(said), peer, query, detail);
  }

  #denyKind(peer: Peer, query: Query): Decision {
    const detail = `the configuration of peer \`${peer.name}\` does not permit \`${query.kind}\``;
    return this.#desk.deny(hostVerdict("bad_request"), peer, query, detail);
  }
}
