/** What is told of bundles. */
import type { Bundle } from "../bundle/bundle.ts";
import type { Candidate } from "../bundle/candidate.ts";
import type { PermittedRollback } from "../bundle/letters.ts";
import type { Proof } from "../bundle/prove.ts";

/** What the channel `sallyport:bundle:activated` says. */
export interface Activated {
  readonly revision: string;
  readonly sequence: number;
  readonly digest: string;
  /** Names of the keys behind it. */
  readonly signer: string | undefined;
  readonly approvers: readonly string[];
  /** Where it is older than the one before: by whose word, and why. */
  readonly rollback?: { readonly from: number; readonly reason: string; readonly by: readonly string[] };
  /** It was kept from before the restart. */
  readonly restored?: true;
  /** The peer by which a person let it pass. */
  readonly promotedBy?: string;
}

/** The bundle in force, as people ask about it. */
export interface ActiveBundle extends Activated {
  readonly from: string;
  readonly etag?: string | undefined;
  /** Unix seconds. */
  readonly since: number;
  readonly expiresAt: number | undefined;
}

/** A permitted rollback in the words of its statements. */
function wordOf({ rollback: { from, reason }, by }: PermittedRollback): NonNullable<Activated["rollback"]> {
  return { from, reason, by: by.map(({ name }) => name) };
}

/** What is told of a bundle that comes into force. */
export function activatedOf(
  { revision, sequence, digest }: Bundle,
  { signer, approvers }: Proof,
  rollback: PermittedRollback | undefined,
): Activated {
  const news: Activated = { revision, sequence, digest, signer, approvers };
  return rollback === undefined ? news : { ...news, rollback: wordOf(rollback) };
}

/** Why a candidate is not in force yet, for people. */
export function waitingText(candidate: Candidate | undefined): string {
  if (candidate?.state !== "pending_approval") return "no bundle is in force yet";
  const { keys = 0, needed = 0, waitsFor = [] } = candidate.proof ?? {};
  return `revision \`${candidate.revision}\` has ${keys} of ${needed} keys behind it and waits for one of ${waitsFor.join(", ") || "nobody: no key may approve it"}`;
}
