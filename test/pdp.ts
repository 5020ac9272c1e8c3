/** A PDP over a table of facts, with proofs that are given as proven. */
import type { CacheLimits } from "../src/cache/decision-cache.ts";
import type { Change } from "../src/decision/change.ts";
import { openTally } from "../src/log/compose-event.ts";
import type { Evaluation } from "../src/log/event.ts";
import type { FactsReader } from "../src/pdp/facts-reader.ts";
import { Pdp, type PdpParts } from "../src/pdp/pdp.ts";
import { defaultQueryLimits } from "../src/pdp/query-check.ts";
import type { RateLimits } from "../src/pdp/rate-limits.ts";
import type { Clock } from "../src/runtime/clock.ts";

/** Limits that never evict in a test that does not ask for it. */
export const roomyCache: CacheLimits = {
  max_subjects: 1000,
  max_denied_subjects: 1000,
  max_answers_per_subject: 64,
};

/** Nothing but an identity that is already proven counts. */
const provenOnly: PdpParts["prover"] = {
  prove: () => ({ refused: "only proven identities count here" }),
  proveActor: async () => ({ refused: "only asserted actors count here" }),
  proveApproval: async () => ({ refused: "only asserted approvals count here" }),
};

/** Builds a PDP that hears of every change of `facts`. */
export function corePdp(
  facts: FactsReader & { onChange(listener: (change: Change) => void): unknown },
  clock: Clock,
  cacheLimits: CacheLimits = roomyCache,
  seen: (record: Evaluation) => void = () => {},
  rateLimits?: RateLimits,
): Pdp {
  const spent = new Set<string>();
  const pdp = new Pdp({
    facts,
    clock,
    cacheLimits,
    queryLimits: defaultQueryLimits,
    prover: provenOnly,
    effects: {
      spendClaim: async (fingerprint) => {
        if (spent.has(fingerprint)) return false;
        spent.add(fingerprint);
        return true;
      },
      markReentry: async () => {},
    },
    recorder: {
      evaluated: (record) => {
        seen(record);
        return openTally(record);
      },
      hit: (answer) => {
        answer.count += 1;
      },
    },
    onFault: () => {},
    ...(rateLimits === undefined ? {} : { rateLimits }),
  });
  facts.onChange((change) => pdp.apply(change));
  return pdp;
}
