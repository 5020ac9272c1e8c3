/** The join: from a session or a command's target to the facts that a policy sees. */
import type {
  Actor,
  Approval,
  BreakGlass,
  Credential,
  CredentialRecord,
  DeviceRecord,
  RecordKey,
  Signal,
  TenantRecord,
} from "../decision/facts.ts";
import type { FactsReader } from "./facts-reader.ts";
import { Reading } from "./reading.ts";
import type { Session } from "./session.ts";

/** Facts by part of the policy input, before projection. Absent parts are explicit `null`. */
export interface Joined {
  readonly parts: Readonly<Record<string, unknown>>;
  /** Effective security model; empty where no record names one. */
  readonly model: string;
  /** Tenant of the device; empty where the device is unknown. */
  readonly tenant: string;
  /** Records that were read, absent ones included. */
  readonly restsOn: readonly RecordKey[];
  /** Sources whose age is the decision's; `undefined`: all. */
  readonly sources: readonly string[] | undefined;
  /** A record that is stored but invalid isolates what rests on it. */
  readonly invalid: string | undefined;
  /** Highest message sequence number the registry knows. */
  readonly lastSeq: number;
}

/** Who sends a command, once verified. */
export interface CommandAuthority {
  readonly actor: Actor | null;
  readonly approvals: readonly Approval[];
  readonly break_glass: BreakGlass | null;
}

function pick(
  credentials: Readonly<Record<string, CredentialRecord>>,
  wanted: (fingerprint: string, record: CredentialRecord) => boolean,
): Record<string, Omit<CredentialRecord, "verifier">> {
  const picked: Record<string, Omit<CredentialRecord, "verifier">> = {};
  for (const [fingerprint, record] of Object.entries(credentials)) {
    if (!wanted(fingerprint, record)) continue;
    // The verifier of a secret never becomes part of an input, whatever a schema asks for.
    const { verifier: _verifier, ...facts } = record;
    picked[fingerprint] = facts;
  }
  return picked;
}

/** A device as a policy sees it: the wanted credentials only, and no model where it has none of its own. */
export function devicePart(
  device: DeviceRecord | null,
  wanted: (fingerprint: string, record: CredentialRecord) => boolean,
): unknown {
  if (device === null) return null;
  return { ...device, model: device.model || null, credentials: pick(device.credentials, wanted) };
}

/** Facts of a device that a gateway vouches for: its registered `gateway_asserted` credential. */
function assertedByGateway(device: DeviceRecord, session: Session): Credential | null {
  const found = Object.entries(device.credentials).find(([, record]) => record.type === "gateway_asserted");
  if (found === undefined || session.gateway === undefined) return null;
  const [fingerprint, record] = found;
  const own = session.gateway.identity === "asserted" ? undefined : session.gateway.identity.credential;
  return {
    type: "gateway_asserted",
    trust_domain: own?.trust_domain ?? device.trust_domain,
    device_id: device.id,
    tenant: own?.tenant ?? device.tenant,
    fingerprint,
    not_before: record.not_before ?? own?.not_before ?? record.bound_at,
    not_after: record.not_after ?? own?.not_after ?? 0,
    key_protection: record.key_protection ?? "software",
    usage: record.usage ?? "telemetry",
  };
}

/** A claim that the record of its device calls used is used, whoever presents it: the more restrictive word counts. */
function spentIfUsed(credential: Credential | null, device: DeviceRecord | null): Credential | null {
  if (credential?.claim === undefined || credential.claim.used) return credential;
  if (device?.credentials[credential.fingerprint]?.claim?.used !== true) return credential;
  return { ...credential, claim: { ...credential.claim, used: true } };
}

interface GatewayFacts {
  readonly gateway: unknown;
  readonly gateway_credential: unknown;
  readonly gateway_fw_policy: unknown;
  /** Detections about the gateway that stand in its record. */
  readonly signals: readonly Signal[];
}

const noGateway: GatewayFacts = {
  gateway: null,
  gateway_credential: null,
  gateway_fw_policy: null,
  signals: [],
};

function joinGateway(
  reader: FactsReader,
  reading: Reading,
  id: string,
  proof: Credential | "asserted",
): GatewayFacts {
  const record = reading.device(id);
  if (record === null) return { ...noGateway, gateway_credential: proof };
  const policyKey: RecordKey = `firmware_policy:${record.tenant}/${record.class}`;
  const floor = reading.take(policyKey, reader.firmwarePolicy(record.tenant, record.class), record.tenant);
  if (floor === null) reading.invalid ??= `${policyKey}: there is none`;
  const presented = proof === "asserted" ? "" : proof.fingerprint;
  return {
    gateway: devicePart(record, (fingerprint) => fingerprint === presented),
    gateway_credential: proof,
    gateway_fw_policy: floor,
    signals: record.state.signals,
  };
}

/** A tenant with the responses to the signals at hand only: most devices have none, and each byte is parsed on every miss. */
function tenantPart(tenant: TenantRecord | null, ...signals: (readonly Signal[])[]): unknown {
  if (tenant?.playbook === undefined) return tenant;
  const types = new Set(signals.flat().map(({ type }) => type));
  const playbook = Object.fromEntries(Object.entries(tenant.playbook).filter(([type]) => types.has(type)));
  return { ...tenant, playbook };
}

interface Home {
  readonly tenant: TenantRecord | null;
  readonly fw_policy: unknown;
  readonly model: string;
}

function joinHome(
  reader: FactsReader,
  reading: Reading,
  device: DeviceRecord | null,
  tenantId: string,
): Home {
  const tenant =
    tenantId === "" ? null : reading.take(`tenant:${tenantId}`, reader.tenant(tenantId), tenantId);
  let floor: unknown = null;
  if (device !== null) {
    const key: RecordKey = `firmware_policy:${device.tenant}/${device.class}`;
    floor = reading.take(key, reader.firmwarePolicy(device.tenant, device.class), device.tenant);
    // A device of a known tenant without a firmware floor cannot be judged. Of an unknown class neither, but
    // then the policy says so itself.
    if (floor === null && tenant !== null) reading.invalid ??= `${key}: there is none`;
  }
  return { tenant, fw_policy: floor, model: device?.model || (tenant?.model ?? "") };
}

/** Joins the facts of a device's own request. */
export function joinSession(reader: FactsReader, session: Session): Joined {
  const reading = new Reading(reader);
  const device = reading.device(session.deviceId);
  // A back-end's record would be found by the same id.
  if (device === null) reading.notEven("service");
  const credential = spentIfUsed(
    session.identity?.credential ?? (device === null ? null : assertedByGateway(device, session)),
    device,
  );
  const home = joinHome(reader, reading, device, device?.tenant ?? credential?.tenant ?? "");
  const { signals, ...gateway } =
    session.gateway === undefined
      ? noGateway
      : joinGateway(
          reader,
          reading,
          session.gateway.id,
          session.gateway.identity === "asserted" ? "asserted" : session.gateway.identity.credential,
        );
  const presented = credential?.fingerprint ?? "";
  return {
    parts: {
      credential,
      device: devicePart(device, (fingerprint) => fingerprint === presented),
      tenant: tenantPart(home.tenant, device?.state.signals ?? [], signals),
      fw_policy: home.fw_policy,
      ...gateway,
    },
    model: home.model,
    tenant: device?.tenant ?? "",
    restsOn: reading.restsOn,
    sources: reading.sources,
    invalid: reading.invalid,
    lastSeq: device?.state.last_seq ?? 0,
  };
}

/** Joins the facts of a command to a device. All active credentials of the device count as evidence. */
export function joinCommand(
  reader: FactsReader,
  deviceId: string,
  via: string | undefined,
  authority: CommandAuthority,
): Joined {
  const reading = new Reading(reader);
  const device = reading.device(deviceId);
  const actorTenant = authority.actor?.tenant ?? "";
  const home = joinHome(reader, reading, device, device?.tenant ?? (actorTenant === "*" ? "" : actorTenant));
  // The command travels towards the device: the gateway is judged by its record, there is no proof of its own.
  const { signals, ...gateway } =
    via === undefined ? noGateway : joinGateway(reader, reading, via, "asserted");
  return {
    parts: {
      credential: null,
      device: devicePart(device, (_, record) => record.status === "active"),
      tenant: tenantPart(home.tenant, device?.state.signals ?? [], signals),
      fw_policy: home.fw_policy,
      ...gateway,
      ...authority,
    },
    model: home.model,
    tenant: device?.tenant ?? "",
    restsOn: reading.restsOn,
    sources: reading.sources,
    invalid: reading.invalid,
    lastSeq: 0,
  };
}
