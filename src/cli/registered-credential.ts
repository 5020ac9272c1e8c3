/** `--as`: the credential that the registry knows of a device, vouched for by this caller. */
import type { Credential, CredentialRecord } from "../decision/facts.ts";
import { Fault } from "../runtime/fault.ts";
import { defaultValidity } from "./assertion.ts";
import { parseMoment } from "./moment.ts";
import type { KnownDevice } from "./registry-call.ts";
import type { SubjectFlags } from "./subject-options.ts";

/** The active credential bound last. */
function newest(credentials: Readonly<Record<string, CredentialRecord>>): string | undefined {
  return Object.entries(credentials)
    .filter(([, { status }]) => status === "active")
    .sort(([, left], [, right]) => right.bound_at - left.bound_at)[0]?.[0];
}

/**
 * Builds the credential of `--as`. The registry is asked only for what the flags leave open.
 * @param now unix seconds
 * @throws Fault `request_invalid` where neither flags nor registry say enough
 */
export async function registeredCredential(
  id: string,
  flags: SubjectFlags,
  now: number,
  lookUp: (id: string) => Promise<KnownDevice>,
): Promise<Credential> {
  const { tenant, trustDomain, fingerprint } = flags;
  const complete = tenant !== undefined && trustDomain !== undefined && fingerprint !== undefined;
  const record = complete ? undefined : (await lookUp(id)).record;
  const credentials = record?.credentials ?? {};
  const found = {
    "--tenant": tenant ?? record?.tenant,
    "--trust-domain": trustDomain ?? record?.trust_domain,
    "--fingerprint": fingerprint ?? newest(credentials),
  };
  const open = Object.entries(found).flatMap(([flag, value]) => (value === undefined ? [`\`${flag}\``] : []));
  if (open.length > 0) {
    throw new Fault(
      "request_invalid",
      `the registry's record of \`${id}\` leaves open what is needed to vouch for it: give ${open.join(" and ")}`,
    );
  }
  const known = credentials[found["--fingerprint"] ?? ""];
  const { from, to } = defaultValidity(now);
  const moment = (name: string, flag: string | undefined, otherwise: number): number =>
    flag === undefined ? otherwise : parseMoment(flag, now, name);
  const type = known?.type ?? "x509";
  return {
    type,
    trust_domain: found["--trust-domain"] ?? "",
    device_id: id,
    tenant: found["--tenant"] ?? "",
    fingerprint: found["--fingerprint"] ?? "",
    not_before: moment("--not-before", flags.notBefore, known?.not_before ?? from),
    not_after: moment("--not-after", flags.notAfter, known?.not_after ?? to),
    key_protection: known?.key_protection ?? "software",
    usage: known?.usage ?? "telemetry",
    ...(type === "claim" && known?.claim !== undefined ? { claim: known.claim } : {}),
  };
}
