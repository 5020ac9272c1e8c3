/** A bundle must be newer than any before it, unless people permit to go back. */
import type { Keyset } from "../bundle/keyset.ts";
import { type PermittedRollback, permittedRollback } from "../bundle/letters.ts";
import type { Offer } from "../bundle/offer.ts";
import type { Proof } from "../bundle/prove.ts";
import { Fault } from "../runtime/fault.ts";

/**
 * The rollback by which an older bundle may come in; `undefined`: it is newer.
 * @param from highest sequence that was ever in force
 * @param now unix seconds
 * @throws Fault `bundle_outdated` for a bundle that is not newer, unless a threshold of keys permits the step back
 */
export function checkSequence(
  { bundle, letters }: Offer,
  proof: Proof,
  keyset: Keyset | undefined,
  from: number,
  now: number,
): PermittedRollback | undefined {
  const { sequence, revision, digest } = bundle;
  // Who builds without a signature builds the same release again and again.
  if (sequence > from || (proof.signer === undefined && sequence === from)) return undefined;
  const target = { digest, sequence, from };
  const permitted = keyset === undefined ? undefined : permittedRollback(target, letters, keyset, now);
  if (permitted !== undefined) return permitted;
  throw new Fault(
    "bundle_outdated",
    `sequence ${sequence} of revision \`${revision}\` is not newer than ${from}, which was in force: build a newer one, or use \`sallyport bundle rollback\``,
  );
}
