/** Acts of operators on overrides: who may, what is refused, and how it is recorded. */
import type { Peer } from "../decision/identity.ts";
import { type Override, type OverrideAct, type OverrideTarget, targetText } from "../decision/override.ts";
import type { AdminAct } from "../log/admin-act.ts";
import type { Overrides } from "../registry/overrides.ts";
import type { RecordReader } from "../registry/stored-record.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { hasNewerEvidence } from "./evidence.ts";
import { type Reached, tenantOf, withdrawsTrust } from "./reach.ts";
import { readReason, readTarget, readWish, type Wish, type Wording } from "./wish.ts";

/** Parts of {@link Admin}. */
export interface AdminParts {
  readonly overrides: Overrides;
  readonly registry: Reached;
  /** Records with the marks of the ledger, before overrides. */
  readonly records: RecordReader;
  readonly clock: Clock;
  /** Writes an act into the decision log; returns the id of its event. */
  readonly record: (act: AdminAct) => string;
}

/** Another person's consent to an act. It is recorded; the policy that demands it comes with `operate`. */
export interface ActApproval {
  readonly by: string;
  readonly roles: readonly string[];
  readonly expires_at: number;
}

/** Which overrides to lift: one by id, or those of a target, of one kind or all. */
export interface Lifting {
  readonly id: string;
  readonly target: Wording["target"];
  readonly kind: string;
  readonly reason: string;
  readonly author: string;
  readonly approvals: readonly ActApproval[];
}

/** What became of an act: it is on disk, and in force for the next decision. */
export interface Acted {
  readonly sequence: number;
  readonly overrides: readonly Override[];
  readonly decisionId: string;
  /** See {@link OverrideAct}; `local` where that is so of any act. */
  readonly scope?: "fleet" | "local";
}

/** Sets and lifts overrides for operators. Everything that it refuses is recorded too. */
export class Admin {
  readonly #parts: AdminParts;

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  /** Sets an override. Throws `request_invalid`, `peer_forbidden`, `not_found`, `store_unavailable`. */
  async set(peer: Peer, wording: Wording, author: string): Promise<Acted> {
    const { clock, overrides } = this.#parts;
    const wish: Wish = readWish(wording, clock.now());
    const by = authorOf(peer, author);
    return this.#recorded(peer, `${wish.kind}.set`, by, wish, async () => {
      this.#visible(peer, wish.target);
      return [await overrides.set({ ...wish, by })];
    });
  }

  /**
   * Lifts overrides. Throws `evidence_required` where trust in a device was withdrawn and it has given nothing newer
   * since, `not_found` where there is nothing to lift.
   */
  async lift(
    peer: Peer,
    lifting: Lifting,
  ): Promise<Acted & { readonly remaining: readonly Override[]; readonly evidenceNewerThan: number }> {
    const reason = readReason(lifting.reason);
    const by = authorOf(peer, lifting.author);
    const meant = this.#meant(peer, lifting);
    const first = meant[0];
    if (first === undefined) throw new Fault("not_found", "there is no such override here");
    const { overrides } = this.#parts;
    const told = { target: first.target, reason, approvals: lifting.approvals };
    const operation = `${lifting.kind || first.kind}.lift`;
    const acted = await this.#recorded(peer, operation, by, told, async () => {
      for (const override of meant) this.#demandEvidence(override);
      const acts: OverrideAct[] = [];
      for (const { id } of meant) acts.push(await overrides.lift(id, by, reason));
      return acts;
    });
    const target = targetText(first.target);
    return { ...acted, remaining: overrides.of(target), evidenceNewerThan: overrides.lostSince(target) };
  }

  /** Overrides that the peer may see. Throws `request_invalid`. */
  list(peer: Peer, target: Wording["target"]): readonly Override[] {
    const { overrides } = this.#parts;
    const wanted = target === undefined ? overrides.list() : overrides.of(targetText(readTarget(target)));
    return wanted.filter((each) => this.#mayTouch(peer, each.target));
  }

  /** Position of the last act. */
  get sequence(): number {
    return this.#parts.overrides.sequence;
  }

  #meant(peer: Peer, { id, kind, target }: Lifting): readonly Override[] {
    if (id === "") {
      const checked = readTarget(target);
      this.#visible(peer, checked);
      const all = this.#parts.overrides.of(targetText(checked));
      return kind === "" ? all : all.filter((each) => each.kind === kind);
    }
    const one = this.#parts.overrides.get(id);
    return one === undefined || !this.#mayTouch(peer, one.target) ? [] : [one];
  }

  #mayTouch(peer: Peer, target: OverrideTarget): boolean {
    if (peer.tenants.includes("*")) return true;
    const tenant = tenantOf(target, this.#parts.registry);
    return tenant !== undefined && peer.tenants.includes(tenant);
  }

  #visible(peer: Peer, target: OverrideTarget): void {
    if (this.#mayTouch(peer, target)) return;
    throw new Fault("not_found", `there is no ${target.kind} \`${target.id}\` among those of this caller`);
  }

  /** Of a whole tenant, class or gateway each device must give its own evidence: the mark that stays demands it. */
  #demandEvidence(override: Override): void {
    const { clock, records, registry } = this.#parts;
    if (override.target.kind !== "device" || !withdrawsTrust(override, registry)) return;
    const device = records.device(override.target.id)?.record;
    if (device?.state.lifecycle === "retired")
      throw new Fault("evidence_required", `\`${device.id}\` is retired, which nothing undoes`);
    if (device !== undefined && hasNewerEvidence(device, override.since, clock.now())) return;
    const since = new Date(override.since * 1000).toISOString();
    throw new Fault(
      "evidence_required",
      `\`${override.target.id}\` has given no evidence since ${since}: it needs an affirming attestation or a newly bound credential`,
    );
  }

  async #recorded(
    peer: Peer,
    operation: string,
    by: string,
    input: AdminAct["input"],
    action: () => Promise<readonly OverrideAct[]>,
  ): Promise<Acted> {
    const { record } = this.#parts;
    try {
      const acts = await action();
      const overrides = acts.map(({ override }) => override);
      const sequence = acts.at(-1)?.sequence ?? this.sequence;
      const ids = overrides.map(({ id }) => id);
      const decisionId = record({ peer: peer.name, operation, by, input, allow: true, sequence, ids });
      const scope = acts.find((act) => act.scope === "local")?.scope ?? acts.at(-1)?.scope;
      return { sequence, overrides, decisionId, ...(scope === undefined ? {} : { scope }) };
    } catch (thrown) {
      const fault = Fault.from(thrown, "internal", "the act failed");
      record({
        peer: peer.name,
        operation,
        by,
        input,
        allow: false,
        detail: fault.message,
        code: fault.code,
      });
      throw fault;
    }
  }
}

/** FACTS.md, rule 8: nobody asserts their own authority. */
function authorOf(peer: Peer, author: string): string {
  if (author === "") return peer.name;
  if (!peer.may_assert.includes("actor"))
    throw new Fault(
      "peer_forbidden",
      `peer \`${peer.name}\` may not name an author; leave it out, or add \`actor\` to \`may_assert\``,
    );
  if (author.length > 256) throw new Fault("request_invalid", "`author` is longer than 256 characters");
  return author.toWellFormed();
}
