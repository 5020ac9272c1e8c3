/** A bundle as a source hands it over: whole, and not believed yet. */
import type { Bundle } from "./bundle.ts";
import type { Letters } from "./letters.ts";

/** What a source found. */
export interface Offer {
  readonly bundle: Bundle;
  /** The bytes that the bundle was read from, to be kept. */
  readonly archive: Uint8Array;
  /** Approvals and rollback statements that lay beside it. */
  readonly letters: Letters;
  /** Where it was found, for people. */
  readonly from: string;
  /** Version that an HTTP source gave it. */
  readonly etag?: string;
}
