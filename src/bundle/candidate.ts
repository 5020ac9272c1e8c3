/** A bundle on its way into force, and where it stands. */
import type { Fault } from "../runtime/fault.ts";
import type { Proof } from "./prove.ts";

/**
 * Named steps, in order. `pending_approval` and `shadow` can last; `active`, `refused` and `aborted` are ends.
 */
export const candidateStates = [
  "fetched",
  "proving",
  "pending_approval",
  "sequencing",
  "checking",
  "shadow",
  "activating",
  "persisting",
  "active",
  "refused",
  "aborted",
] as const;

/** One of {@link candidateStates}. */
export type CandidateState = (typeof candidateStates)[number];

/** What trying a candidate showed. */
export interface CandidateTrial {
  readonly cases: number;
  readonly p99Us: number;
  readonly memoryBytes: number;
}

/** Live questions that the candidate answers otherwise than the bundle in force. */
export interface ShadowRow {
  readonly kind: string;
  readonly tenant: string;
  readonly class: string;
  readonly firmware: string;
  readonly profile: string;
  readonly reasonNow: string;
  readonly reasonThen: string;
  readonly count: number;
}

/** What comparing a candidate on live questions has shown so far. */
export interface ShadowReport {
  readonly compared: number;
  readonly newlyDenied: number;
  readonly newlyAllowed: number;
  readonly otherReason: number;
  /** Questions of the sample that were not compared, since too many came at once. */
  readonly dropped: number;
  readonly rows: readonly ShadowRow[];
}

/** A bundle on its way. Immutable; each step makes another. */
export interface Candidate {
  readonly revision: string;
  readonly sequence: number;
  readonly digest: string;
  /** Where it was found. */
  readonly from: string;
  readonly state: CandidateState;
  /** When it came into this state, unix seconds. */
  readonly since: number;
  /** Why it was refused or aborted, and in which state. */
  readonly fault?: Fault;
  readonly failedIn?: CandidateState;
  readonly proof?: Proof;
  /** What trying its own cases showed. */
  readonly trial?: CandidateTrial;
  readonly shadow?: ShadowReport;
}
