/** What a pipeline of bundles is made of. */
import type { Bundle } from "../bundle/bundle.ts";
import type { GoodStore } from "../bundle/good-store.ts";
import type { TrustRules } from "../bundle/prove.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Activation } from "./activation.ts";
import type { Tried } from "./preflight.ts";
import type { ShadowSettings } from "./shadow-stage.ts";

/** Parts of a a pipeline. */
export interface PipelineParts {
  readonly activation: Activation;
  readonly clock: Clock;
  /** By what bundles are proved now, and the text of that keyset. */
  rules(): TrustRules;
  keysetText?(): string | undefined;
  /** Tries a bundle before it may answer. Rejects with why it may not. */
  readonly check?: (bundle: Bundle) => Promise<Tried>;
  /** Where the last known good bundle is kept. */
  readonly store?: GoodStore | undefined;
  /** How long after a failure it is tried to keep it again, milliseconds. */
  readonly keepAgainMs?: number;
  /** How a candidate is compared on live questions; absent: it is not. */
  readonly shadow?: ShadowSettings;
}
