/** The word of a peer that ended a device's TLS itself: taken as it is, once every value is well-formed. */
import type { Claim, Credential } from "../decision/facts.ts";
import { isSafeId } from "../decision/ids.ts";
import { Fault } from "../runtime/fault.ts";

const types: readonly string[] = ["x509", "jwt", "psk", "gateway_asserted", "shared_token", "claim"];
const protections: readonly string[] = ["software", "secure_element", "tpm", "tee"];
const usages: readonly string[] = ["telemetry", "control"];
/** As the registry's records allow it. */
const fingerprint = /^[A-Za-z0-9][\x21-\x7e]{0,255}$/;
/** The end of the year 9999. */
const maxTime = 253_402_300_799;
const maxClaimedDevices = 10_000;

function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= maxTime;
}

function isClaim(claim: Claim): boolean {
  return (
    typeof claim.single_use === "boolean" &&
    typeof claim.used === "boolean" &&
    claim.device_ids.length <= maxClaimedDevices &&
    claim.device_ids.every(isSafeId)
  );
}

/** The member that is malformed, if one is. */
function defectOf(given: Credential): string | undefined {
  if (!types.includes(given.type)) return "type";
  if (!isSafeId(given.device_id)) return "device_id";
  if (!isSafeId(given.tenant)) return "tenant";
  if (!isSafeId(given.trust_domain)) return "trust_domain";
  if (!fingerprint.test(given.fingerprint)) return "fingerprint";
  if (!isTime(given.not_before)) return "not_before";
  if (!isTime(given.not_after)) return "not_after";
  if (!protections.includes(given.key_protection)) return "key_protection";
  if (!usages.includes(given.usage)) return "usage";
  if (given.claim !== undefined && !isClaim(given.claim)) return "claim";
  return undefined;
}

/** A copy of what a peer asserts, with the members of a credential and no others. Throws `proof_invalid`. */
export function readAssertion(given: Credential): Credential {
  const defect = defectOf(given);
  if (defect !== undefined) {
    throw new Fault("proof_invalid", `\`${defect}\` of the asserted credential is missing or malformed`);
  }
  const { type, trust_domain, device_id, tenant, not_before, not_after, key_protection, usage, claim } =
    given;
  return {
    type,
    trust_domain,
    device_id,
    tenant,
    fingerprint: given.fingerprint,
    not_before,
    not_after,
    key_protection,
    usage,
    ...(claim === undefined
      ? {}
      : { claim: { single_use: claim.single_use, used: claim.used, device_ids: [...claim.device_ids] } }),
  };
}
