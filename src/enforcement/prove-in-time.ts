/** Proves who somebody is, within the deadline of an enforcement point. */
import type { Evidence, Identity } from "../decision/identity.ts";

/** The outcome of a proof. */
export type Proven = { readonly identity: Identity } | { readonly refused: string };

/** What a proof needs. */
export interface ProofParts {
  readonly prove: (evidence: Evidence) => Proven | Promise<Proven>;
  readonly deadlineMs: number;
  readonly onFault?: (fault: unknown) => void;
}

/** Never rejects: a proof that fails or comes too late is refused. */
export async function proveInTime(
  evidence: Evidence,
  { deadlineMs, onFault, prove }: ProofParts,
): Promise<Proven> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Proven>((resolve) => {
    timer = setTimeout(resolve, deadlineMs, { refused: `no proof within ${deadlineMs} ms` });
  });
  try {
    return await Promise.race([prove(evidence), late]);
  } catch (thrown) {
    onFault?.(thrown);
    return { refused: "the proof could not be looked at" };
  } finally {
    clearTimeout(timer);
  }
}
