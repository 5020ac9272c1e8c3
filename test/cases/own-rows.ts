/** Our own decision tables (`policies/cases`) as rows of records, proof and question. */
import { matrixRows, ownRows, type Row as PolicyRow } from "../policies/tables.ts";
import type { Json, Row } from "./table.ts";
import { completed } from "./world.ts";

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Rows whose facts no registry or no proof can give: there the host answers before the policy, as is said here. */
const elsewhere: Readonly<Record<string, string>> = {
  "a device joined with a foreign tenant record": "tenant_unknown",
  "another device id than the record's": "device_unknown",
  "an empty topic": "bad_request",
  "an id that would change the topic's shape": "bad_request",
  "what the registry does not say of a credential is judged when the device comes": "facts_invalid",
  "the key's place is judged then as well": "facts_invalid",
  "a gateway that never reported a version": "facts_invalid",
  "a key that is valid since nobody knows when": "facts_invalid",
  "a key that is valid until nobody knows when": "facts_invalid",
};

/** An update is judged by the credential that the registry has for the device: it cannot be another's, or unknown. */
const impossible = (kind: string, reason: string): boolean =>
  kind === "ota" && (reason === "credential_binding_mismatch" || reason === "credential_unknown");

/** Of a back-end the host makes the actor out of the record: these facts cannot differ there, or nobody can ask so. */
export const madeByTheHost: ReadonlySet<string> = new Set([
  "may it be on the broker at all",
  "a session ends with the credential",
  "without any role it has no business there",
  "somebody else's record",
  "a person is no back-end",
  "a record of another tenant",
  "an actor of another tenant",
  "a device's credential",
]);

/** A gateway counts what is behind it. */
function counted(device: Json): Json {
  return device["class"] === "gateway" ? { children: 0, max_children: 10 } : {};
}

/** What a record must hold and a table leaves out where the schema has a default. */
function stored(facts: Json): Json {
  const { device, gateway, tenant, request } = facts;
  const admission = isObject(tenant) ? tenant["admission"] : undefined;
  const open = { min_priority: 0, over_quota: false, retry_after_s: 60 };
  return {
    ...facts,
    ...(isObject(device) ? { device: completed({ ...counted(device), ...device }) } : {}),
    ...(isObject(gateway) ? { gateway: completed(gateway) } : {}),
    ...(isObject(tenant) && isObject(admission)
      ? { tenant: { ...tenant, admission: { ...open, ...admission } } }
      : {}),
    // On the wire what is not said is left out.
    ...(isObject(request)
      ? { request: Object.fromEntries(Object.entries(request).filter(([, value]) => value !== null)) }
      : {}),
  };
}

/** Every own row, with the answer that the service gives. */
export const ownWorldRows: readonly Row[] = worldRows(ownRows);

/** The matrix of models and states, likewise. */
export const matrixWorldRows: readonly Row[] = worldRows(matrixRows);

function worldRows(rows: readonly PolicyRow[]): Row[] {
  return rows
    .filter(({ kind, expect: { reason } }) => !impossible(kind, reason))
    .filter(({ kind, title }) => kind !== "consume" || !madeByTheHost.has(title))
    .map(({ id, title, kind, model, facts, expect }) => {
      const host = elsewhere[title];
      return {
        id,
        title,
        kind,
        model,
        tier: undefined,
        facts: stored(facts as Json),
        allow: host === undefined && expect.allow,
        reason: host ?? expect.reason,
        obligations: (host === undefined ? (expect.obligations ?? {}) : {}) as Json,
        absent: host === undefined ? (expect.absent ?? []) : [],
      };
    });
}
