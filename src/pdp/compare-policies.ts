/** One live question, answered by two policies at the same moment, on the same facts. */
import type { Peer } from "../decision/identity.ts";
import type { CommandQuery, SessionQuery } from "../decision/query.ts";
import type { Desk } from "./desk.ts";
import { examine } from "./examiner.ts";
import { type CommandAuthority, type Joined, joinCommand, joinSession } from "./join.ts";
import { commandFacts, requestFacts } from "./request-facts.ts";
import type { Verdict } from "./result.ts";
import type { Session } from "./session.ts";
import type { PolicySnapshot } from "./snapshot.ts";

/** A question that was asked, with what was proven. */
export type Sample =
  | { readonly kind: "session"; readonly session: Session; readonly query: SessionQuery }
  | {
      readonly kind: "command";
      readonly peer: Peer;
      readonly query: CommandQuery;
      readonly authority: CommandAuthority;
    };

/** Two answers to one question, and whom it was about. */
export interface Comparison {
  readonly kind: string;
  readonly inForce: Verdict;
  readonly candidate: Verdict;
  readonly tenant: string;
  readonly class: string;
  readonly firmware: string;
  readonly profile: string;
}

interface DeviceFacts {
  readonly class?: string;
  readonly firmware?: { readonly version?: string };
}

/** Answers a sample by both policies. Nothing is recorded, remembered or done. */
export function comparePolicies(
  desk: Desk,
  sample: Sample,
  inForce: PolicySnapshot,
  candidate: PolicySnapshot,
): Comparison {
  const { facts, clock } = desk;
  const { query } = sample;
  const now = desk.clock.now();
  let joined: Joined;
  let peer: Peer;
  let request: Record<string, unknown>;
  if (sample.kind === "session") {
    peer = sample.session.peer;
    joined = joinSession(facts, sample.session);
    request = requestFacts(sample.session, sample.query, now);
  } else {
    peer = sample.peer;
    joined = joinCommand(facts, sample.query.device_id, sample.query.via, sample.authority);
    request = commandFacts(peer, sample.query);
  }
  const asking = desk.asking(query, joined.sources, now);
  const verdict = (snapshot: PolicySnapshot): Verdict =>
    examine(snapshot, peer, joined, query.kind, asking, request, clock.monotonicMs).done.verdict;
  const device = (joined.parts["device"] ?? {}) as DeviceFacts;
  return {
    kind: query.kind,
    inForce: verdict(inForce),
    candidate: verdict(candidate),
    tenant: joined.tenant,
    class: device.class ?? "",
    firmware: device.firmware?.version ?? "",
    profile: joined.model,
  };
}
