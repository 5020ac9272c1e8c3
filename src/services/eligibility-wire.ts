/** Eligibility from and to our wire. */
import type { Eligibility, EligibilityAnswer } from "../eligibility/eligibility.ts";
import type { RingStatus } from "../eligibility/rollout-status.ts";
import type { ScanRequest } from "../eligibility/scan.ts";
import * as wire from "../gen/sallyport/v1/eligibility.ts";
import { toWireObligations, toWireRetry } from "./to-wire.ts";

const answers: Readonly<Record<EligibilityAnswer, wire.EligibilityAnswer>> = {
  install: wire.EligibilityAnswer.ELIGIBILITY_ANSWER_INSTALL,
  rollback: wire.EligibilityAnswer.ELIGIBILITY_ANSWER_ROLLBACK,
  hold: wire.EligibilityAnswer.ELIGIBILITY_ANSWER_HOLD,
  none: wire.EligibilityAnswer.ELIGIBILITY_ANSWER_NONE,
};

/** One answer on the wire. */
export function toWireEligibility(given: Eligibility): wire.Eligibility {
  return {
    device_id: given.device_id,
    release: given.release,
    answer: answers[given.answer],
    reason: given.reason,
    retry: toWireRetry(given.retry),
    not_before: given.not_before,
    valid_until: given.valid_until,
    obligations: toWireObligations(given.obligations),
  };
}

/** What a stream is asked for. */
export function eligibilityFromWire(request: wire.StreamEligibilityRequest): ScanRequest {
  const { filter, page_size, page_token, release } = request;
  return {
    release,
    filter: {
      tenants: filter?.tenants ?? [],
      classes: filter?.classes ?? [],
      regions: filter?.regions ?? [],
      rings: filter?.rings ?? [],
      firmwareFrom: filter?.firmware_from,
      firmwareTo: filter?.firmware_to,
    },
    pageSize: page_size,
    pageToken: page_token,
  };
}

/** One ring on the wire, with its counts where they were asked for. */
export function toWireRing(
  { bakedAt, gates, hold, ring }: RingStatus,
  counted: { readonly devices: number; readonly by_answer: Record<string, number> } | undefined,
): wire.RingStatus {
  return {
    name: ring.name,
    opened_at: ring.opened_at,
    percent_bp: ring.percent_bp,
    open: hold === undefined,
    hold: hold === undefined ? undefined : { ...hold },
    samples: ring.health.samples,
    gates: gates.map((gate) => ({ ...gate })),
    baked_at: bakedAt,
    devices: counted?.devices ?? 0,
    by_answer: counted?.by_answer ?? {},
  };
}
