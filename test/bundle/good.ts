/** Test support: bundles to be kept, their archive some bytes. */
import { createHash } from "node:crypto";
import type { Good, GoodState } from "../../src/bundle/good-store.ts";
import { noLetters } from "../../src/bundle/letters.ts";

/** A bundle of this revision. */
export function goodOf(revision: string, more: Partial<GoodState> = {}, bytes = 1000): Good {
  const archive = Buffer.alloc(bytes, revision);
  const digest = createHash("sha256").update(archive).digest("hex");
  const state = {
    digest,
    revision,
    sequence: 1,
    floor: 1,
    activated_at: 1,
    from: "test",
    letters: noLetters,
    ...more,
  };
  return { archive, state };
}
