/** What people send along with a bundle: approvals of it, and statements that permit to go back to it. */
import type { KeyObject } from "node:crypto";
import * as z from "zod";
import { Fault } from "../runtime/fault.ts";
import { type Jws, parseJws, signJws, verifiedBy } from "./jws.ts";
import { isUsable, type Keyset, keyIdOf, type TrustedKey } from "./keyset.ts";

/** Tokens that lie beside a bundle, as `<bundle>.letters.json`. None is believed before it is verified. */
export interface Letters {
  readonly approvals: readonly string[];
  readonly rollbacks: readonly string[];
}

/** No letters. */
export const noLetters: Letters = { approvals: [], rollbacks: [] };

/** What an approval says. */
export interface Approval {
  /** SHA-256 of the archive, in hex. */
  readonly digest: string;
  readonly revision: string;
  readonly sequence: number;
  /** When it was given, by the approver's clock; unix seconds. */
  readonly iat: number;
}

/** What permits one step back, from the highest sequence that was ever in force to an older bundle. */
export interface Rollback extends Approval {
  /** Highest sequence so far; the statement is worth nothing once it has grown. */
  readonly from: number;
  readonly reason: string;
  /** Unix seconds after which it can no longer be acted on. */
  readonly exp: number;
}

const approvalType = "sallyport-approval+jwt";
const rollbackType = "sallyport-rollback+jwt";

const approvalSchema = z.object({
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  revision: z.string().min(1),
  sequence: z.int().min(0),
  iat: z.int().min(0),
});
const rollbackSchema = approvalSchema.extend({
  from: z.int().min(0),
  reason: z.string().min(3).max(500),
  exp: z.int().min(0),
});
const lettersSchema = z.object({
  approvals: z.array(z.string().max(8192)).max(64).default([]),
  rollbacks: z.array(z.string().max(8192)).max(64).default([]),
});

/** Reads a file of letters. Throws `bundle_untrusted`. */
export function readLetters(text: string): Letters {
  try {
    return lettersSchema.parse(JSON.parse(text));
  } catch (thrown) {
    throw new Fault("bundle_untrusted", "the file of approvals beside the bundle is malformed", {
      cause: thrown,
    });
  }
}

/** Signs an approval. */
export function signApproval(approval: Approval, key: KeyObject): string {
  return signJws(approval, key, keyIdOf(key), approvalType);
}

/** Signs a statement that permits a rollback. */
export function signRollback(rollback: Rollback, key: KeyObject): string {
  return signJws(rollback, key, keyIdOf(key), rollbackType);
}

/** Tokens of one type that can be read; others are passed over, since anybody may send some. */
function legible(tokens: readonly string[], type: string): Jws[] {
  return tokens.flatMap((token) => {
    try {
      const jws = parseJws(token);
      return jws.type === type ? [jws] : [];
    } catch {
      return [];
    }
  });
}

const approversOf = (tokens: readonly Jws[], keyset: Keyset, now: number): TrustedKey[] =>
  keyset.keys.filter(
    (key) => isUsable(key, "approve", now) && tokens.some((token) => verifiedBy(token, key.key)),
  );

/** The keys that approve the archive of this digest. A key counts once, whatever it signed. */
export function approversFor(
  digest: string,
  letters: Letters,
  keyset: Keyset,
  now: number,
): readonly TrustedKey[] {
  const fitting = legible(letters.approvals, approvalType).filter(
    ({ payload }) => approvalSchema.safeParse(payload).data?.digest === digest,
  );
  return approversOf(fitting, keyset, now);
}

/** A rollback that a threshold of keys stands behind, with who they are. */
export interface PermittedRollback {
  readonly rollback: Rollback;
  readonly by: readonly TrustedKey[];
}

/**
 * The statement that permits to go back from sequence `from` to the archive of this digest: each of a threshold of
 * keys with the role `approve` has signed the same step, none of the statements expired.
 */
export function permittedRollback(
  target: { readonly digest: string; readonly sequence: number; readonly from: number },
  letters: Letters,
  keyset: Keyset,
  now: number,
): PermittedRollback | undefined {
  const fitting = legible(letters.rollbacks, rollbackType).flatMap((token) => {
    const { data } = rollbackSchema.safeParse(token.payload);
    const fits =
      data !== undefined &&
      data.digest === target.digest &&
      data.sequence === target.sequence &&
      data.from === target.from &&
      now < data.exp;
    return fits ? [{ token, rollback: data }] : [];
  });
  const by = approversOf(
    fitting.map(({ token }) => token),
    keyset,
    now,
  );
  const said = fitting.find(({ token }) => by.some(({ key }) => verifiedBy(token, key)));
  return said === undefined || by.length < keyset.threshold ? undefined : { rollback: said.rollback, by };
}
