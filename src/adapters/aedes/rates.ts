/** Rate classes: how often a session may publish. */
import type { Rate } from "../../runtime/token-bucket.ts";

/** Rates by `rate_class`. A class that is not listed cannot be enforced: such an allow is a denial. */
export type Rates = Readonly<Record<string, Rate>>;

/** Publishes per second and at once, by class; a site may bring its own. */
export const defaultRates: Rates = {
  standard: { perSecond: 50, burst: 200 },
  gateway: { perSecond: 1000, burst: 4000 },
  critical: { perSecond: 200, burst: 800 },
  degraded: { perSecond: 10, burst: 40 },
  provisioning: { perSecond: 2, burst: 20 },
  quarantine: { perSecond: 2, burst: 20 },
  untrusted: { perSecond: 5, burst: 20 },
};
