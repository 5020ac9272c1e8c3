/** A back-end's row says only who reads (`actor`): its proof and its record are completed as the host has them. */

type Json = { readonly [name: string]: unknown };

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Facts of a `consume` row with credential and service record, unless the row has its own. */
export function consumerFacts(kind: string, facts: Json): Json {
  const { actor, service, now } = facts;
  if (kind !== "consume" || !isObject(actor) || isObject(service) || typeof now !== "number") return facts;
  const { id, tenant } = actor;
  const trust_domain = "prod.devices.acme.example";
  return {
    ...facts,
    request: { ...(facts["request"] as Json), client_id: id },
    credential: {
      type: "x509",
      trust_domain,
      device_id: id,
      tenant,
      fingerprint: "sha256:svc",
      not_before: now - 86_400,
      not_after: now + 86_400,
    },
    service: { id, tenant, trust_domain, credentials: { "sha256:svc": { status: "active" } } },
  };
}
