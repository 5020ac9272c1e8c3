/** `sallyport.v1.BundleService`, as the command line asks it. */
import {
  type AbortBundleResponse,
  BundleServiceClient,
  type GetBundleStatusResponse,
  type PromoteBundleResponse,
} from "../gen/sallyport/v1/bundle.ts";
import type { ConnectionFlags } from "./connection.ts";
import { callService } from "./service-call.ts";

/** What is in force and what waits. Rejects with a fault in the service's words, like the others. */
export function getBundleStatus(flags: ConnectionFlags): Promise<GetBundleStatusResponse> {
  return callService(flags, BundleServiceClient, (stub, ...call) => stub.getBundleStatus({}, ...call));
}

/** Puts a candidate in force. */
export function promoteBundle(flags: ConnectionFlags, digest: string): Promise<PromoteBundleResponse> {
  return callService(flags, BundleServiceClient, (stub, ...call) => stub.promoteBundle({ digest }, ...call));
}

/** Puts a candidate away. */
export function abortBundle(
  flags: ConnectionFlags,
  digest: string,
  reason: string,
): Promise<AbortBundleResponse> {
  return callService(flags, BundleServiceClient, (stub, ...call) =>
    stub.abortBundle({ digest, reason }, ...call),
  );
}
