/** What a pipeline of bundles is made of. */
import type { AbortedBundles } from "../bundle/aborted-bundles.ts";
import type { Bundle } from "../bundle/bundle.ts";
import type { GoodStore } from "../bundle/good-store.ts";
import type { Offer } from "../bundle/offer.ts";
import type { TrustRules } from "../bundle/prove.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Activation } from "./activation.ts";
import type { Activated } from "./bundle-news.ts";
import type { Tried } from "./preflight.ts";
import type { ShadowSettings } from "./shadow-stage.ts";

/** Other processes that answer by the same bundle. */
export interface OtherProcesses {
  /** Loads a bundle in all of them. Rejects where one cannot; then none keeps it. */
  prepare(offer: Offer): Promise<void>;
  /** It is in force in all of them when this resolves. */
  commit(offer: Offer, activatedAt: number): Promise<void>;
  /** It will not come into force. */
  drop(digest: string): Promise<void>;
  /** Compares a prepared bundle there, where the questions are; absent: questions come to this process. */
  readonly compare?: ShadowSettings["elsewhere"];
}

/** Parts of a a pipeline. */
export interface PipelineParts {
  readonly activation: Activation;
  readonly clock: Clock;
  /** Absent: this process is the only one. */
  readonly others?: OtherProcesses | undefined;
  /** By what bundles are proved now, and the text of that keyset. */
  rules(): TrustRules;
  keysetText?(): string | undefined;
  /** Tries a bundle before it may answer. Rejects with why it may not. */
  readonly check?: (bundle: Bundle) => Promise<Tried>;
  /** Bundles that people do not want. */
  readonly aborted?: AbortedBundles;
  /** Told of every bundle that comes into force. */
  readonly activated?: (news: Activated) => void;
  /** Where the last known good bundle is kept. */
  readonly store?: GoodStore | undefined;
  /** How long after a failure it is tried to keep it again, milliseconds. */
  readonly keepAgainMs?: number;
  /** How a candidate is compared on live questions; absent: it is not. */
  readonly shadow?: ShadowSettings;
}
