/** `sallyport.v1.EligibilityService`, as far as the command line asks it. */
import {
  type CheckEligibilityResponse,
  EligibilityServiceClient,
  type GetRolloutResponse,
} from "../gen/sallyport/v1/eligibility.ts";
import type { ConnectionFlags } from "./connection.ts";
import { callService } from "./service-call.ts";

/** Whether a device may take a release; `release` empty: the best one. */
export function checkEligibility(
  flags: ConnectionFlags,
  device_id: string,
  release: string,
): Promise<CheckEligibilityResponse> {
  return callService(flags, EligibilityServiceClient, (stub, ...call) =>
    stub.checkEligibility({ device_id, release }, ...call),
  );
}

/** The rollout of a release. */
export function getRollout(
  flags: ConnectionFlags,
  release: string,
  with_counts: boolean,
): Promise<GetRolloutResponse> {
  return callService(flags, EligibilityServiceClient, (stub, ...call) =>
    stub.getRollout({ release, with_counts }, ...call),
  );
}
