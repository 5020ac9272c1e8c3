/** The candidate that a person means. */
import type { Candidate, CandidateState } from "../bundle/candidate.ts";
import { Fault } from "../runtime/fault.ts";

/** The candidate, where it is the one of this digest and in one of the states. Throws `bundle_unfit`. */
export function candidateIn(
  candidate: Candidate | undefined,
  digest: string,
  states: readonly CandidateState[],
): Candidate {
  if (candidate?.digest === digest && states.includes(candidate.state)) return candidate;
  const now =
    candidate === undefined ? "none is on its way" : `\`${candidate.revision}\` is ${candidate.state}`;
  throw new Fault("bundle_unfit", `no bundle of this digest is in the state ${states.join(" or ")}: ${now}`);
}
