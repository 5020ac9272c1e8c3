/** Who sends a command: taken from verified tokens, or from the word of a peer that may give it. */
import type { Actor, Approval, BreakGlass } from "../decision/facts.ts";
import type { Peer } from "../decision/identity.ts";
import { isSafeId } from "../decision/ids.ts";
import type { CommandQuery } from "../decision/query.ts";
import type { DenyReason } from "../decision/reasons.ts";
import type { CommandAuthority } from "./join.ts";

/** A verified actor token. */
export interface ProvenActor {
  readonly actor: Actor;
  readonly break_glass: BreakGlass | null;
}

/** Verifies the tokens of people and services; `identity/` provides it. */
export interface AuthorityProver {
  proveActor(token: string): Promise<ProvenActor | { readonly refused: string }>;
  proveApproval(
    token: string,
    command: {
      readonly actor: string;
      readonly tenant: string;
      readonly device_id: string;
      readonly command: string;
    },
  ): Promise<Approval | { readonly refused: string }>;
}

/** Authority of a command, or the denial that stands for it. */
export type AuthorityResolution = CommandAuthority | { readonly reason: DenyReason; readonly detail: string };

function wellFormed(actor: Actor): boolean {
  return (
    isSafeId(actor.id) &&
    (actor.type === "human" || actor.type === "service") &&
    (actor.tenant === "*" || isSafeId(actor.tenant)) &&
    Array.isArray(actor.roles) &&
    actor.roles.every((role: unknown) => typeof role === "string" && isSafeId(role)) &&
    typeof actor.mfa === "boolean"
  );
}

function isTime(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Resolves who is behind a command. An approval that cannot be verified does not count; nothing else changes. */
export async function resolveAuthority(
  prover: AuthorityProver,
  peer: Peer,
  query: CommandQuery,
): Promise<AuthorityResolution> {
  let actor: Actor | null = null;
  let breakGlass: BreakGlass | null = peer.may_assert.includes("break_glass") ? query.break_glass : null;
  if (query.actor !== null && "token" in query.actor) {
    const proven = await prover.proveActor(query.actor.token);
    if ("refused" in proven) return { reason: "actor_missing", detail: proven.refused };
    actor = proven.actor;
    breakGlass = proven.break_glass ?? breakGlass;
  } else if (query.actor !== null) {
    if (!peer.may_assert.includes("actor")) {
      return { reason: "actor_missing", detail: "the asking peer may not vouch for actors" };
    }
    if (!wellFormed(query.actor)) return { reason: "bad_request", detail: "the actor is malformed" };
    actor = query.actor;
  }
  if (breakGlass !== null && !(isTime(breakGlass.started_at) && isTime(breakGlass.expires_at))) {
    return { reason: "bad_request", detail: "break-glass times are malformed" };
  }
  const approvals: Approval[] = [];
  for (const each of query.approvals) {
    if ("token" in each) {
      if (actor === null) continue;
      const target = {
        actor: actor.id,
        tenant: actor.tenant,
        device_id: query.device_id,
        command: query.command,
      };
      const approval = await prover.proveApproval(each.token, target);
      if (!("refused" in approval)) approvals.push(approval);
    } else if (peer.may_assert.includes("approvals")) {
      if (!isSafeId(each.by) || !isTime(each.expires_at) || !Array.isArray(each.roles))
        return { reason: "bad_request", detail: "an approval is malformed" };
      approvals.push(each);
    }
  }
  return { actor, approvals, break_glass: breakGlass };
}
