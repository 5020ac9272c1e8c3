/** How indexes follow a device from what it was to what it is. */
import { type Indexed, indexTerms, termsOnlyIn } from "./index-terms.ts";
import type { LmdbIndex } from "./lmdb-index.ts";

/** At once. */
export function moveTerms(
  index: LmdbIndex,
  id: string,
  was: Indexed | undefined,
  is: Indexed | undefined,
): void {
  const [before, after] = [indexTerms(was), indexTerms(is)];
  index.remove(id, termsOnlyIn(before, after));
  index.add(id, termsOnlyIn(after, before));
}

/** When what is staged is in force. */
export function stageTerms(
  index: LmdbIndex,
  id: string,
  was: Indexed | undefined,
  is: Indexed | undefined,
): void {
  const [before, after] = [indexTerms(was), indexTerms(is)];
  index.stage(id, termsOnlyIn(after, before), termsOnlyIn(before, after));
}
