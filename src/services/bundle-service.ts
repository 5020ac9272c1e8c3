/** `sallyport.v1.BundleService`: which bundle is in force, which is on its way, and whether it goes on. */
import type { Candidate } from "../bundle/candidate.ts";
import type { Peer } from "../decision/identity.ts";
import * as wire from "../gen/sallyport/v1/bundle.ts";
import type { BundleActs } from "../pdp/bundle-acts.ts";
import type { BundlePipeline } from "../pdp/bundle-pipeline.ts";
import { Fault } from "../runtime/fault.ts";
import type { GrpcService } from "../runtime/ports.ts";
import { unary } from "../server/unary.ts";
import { permit, permitByName } from "./permit.ts";

/** Policy is everybody's: who may see or move it is not bound to some tenants. */
function permitAll(peer: Peer): void {
  if (peer.tenants.includes("*")) return;
  throw new Fault("peer_forbidden", `peer \`${peer.name}\` is bound to its tenants; bundles are of all`);
}

/** Rows told at once. */
const rowsTold = 100;

function toCandidate(candidate: Candidate): wire.BundleCandidate {
  const { revision, sequence, digest, from, state, since, fault, failedIn, proof, trial, shadow } = candidate;
  return {
    revision,
    sequence,
    digest,
    from,
    state,
    since,
    fault: fault?.message ?? "",
    failed_in: failedIn ?? "",
    signer: proof?.signer ?? "",
    approvers: [...(proof?.approvers ?? [])],
    keys: proof?.keys ?? 0,
    keys_needed: proof?.needed ?? 0,
    waits_for: [...(proof?.waitsFor ?? [])],
    cases: trial?.cases ?? 0,
    p99_us: trial?.p99Us ?? 0,
    shadow:
      shadow === undefined
        ? undefined
        : {
            compared: shadow.compared,
            newly_denied: shadow.newlyDenied,
            newly_allowed: shadow.newlyAllowed,
            other_reason: shadow.otherReason,
            dropped: shadow.dropped,
            differences: shadow.rows.slice(0, rowsTold).map(({ reasonNow, reasonThen, ...row }) => ({
              ...row,
              reason_now: reasonNow,
              reason_then: reasonThen,
            })),
          },
  };
}

function toActive(pipeline: BundlePipeline): wire.ActiveBundle | undefined {
  if (pipeline.active === undefined) return undefined;
  const { revision, sequence, digest, from, signer, approvers, since, expiresAt, rollback } = pipeline.active;
  return {
    revision,
    sequence,
    digest,
    from,
    signer: signer ?? "",
    approvers: [...approvers],
    since,
    expires_at: expiresAt ?? 0,
    expired: pipeline.expired,
    rollback_reason: rollback?.reason ?? "",
  };
}

/** Builds the service. */
export function bundleService(pipeline: BundlePipeline, acts: BundleActs): GrpcService {
  return {
    definition: wire.BundleServiceService,
    implementation: {
      getBundleStatus: unary<wire.GetBundleStatusRequest, wire.GetBundleStatusResponse>((_, peer) => {
        permit(peer, "inspect");
        permitAll(peer);
        const { candidate } = pipeline;
        return {
          active: toActive(pipeline),
          candidate: candidate === undefined ? undefined : toCandidate(candidate),
          highest_sequence: pipeline.floor,
          fault: pipeline.fault?.message ?? "",
          unkept: pipeline.keepFault?.message ?? "",
        };
      }),
      promoteBundle: unary<wire.PromoteBundleRequest, wire.PromoteBundleResponse>(async (request, peer) => {
        permitByName(peer, "admin");
        permitAll(peer);
        return { revision: await acts.promote(request.digest, peer.name) };
      }),
      abortBundle: unary<wire.AbortBundleRequest, wire.AbortBundleResponse>(async (request, peer) => {
        permitByName(peer, "admin");
        permitAll(peer);
        if (request.reason === "") throw new Fault("request_invalid", "`reason` is missing: say why");
        return { revision: await acts.abort(request.digest, request.reason, peer.name) };
      }),
    },
  };
}
