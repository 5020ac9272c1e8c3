/** Records as they are decided on: what the registry says joined with the overrides, the most restrictive winning. */
import type {
  CredentialRecord,
  DeviceRecord,
  RolloutRecord,
  ServiceRecord,
  Signal,
  TenantRecord,
} from "../decision/facts.ts";
import type { Override } from "../decision/override.ts";
import type { Overrides } from "./overrides.ts";
import type { RecordReader, StoredRecord } from "./stored-record.ts";

/** What of the overrides the join needs. */
export type OverrideReader = Pick<Overrides, "of" | "lostSince" | "idle" | "missing"> & {
  /** Age of what other nodes have done, seconds; absent: there are none. */
  readonly lagS?: number;
};

/** Type of the signal that stands for disabled commands; every tenant's playbook answers it so. */
export const commandsDisabled = "sallyport.commands_disabled";

/** Expiry of a signal that lasts until it is lifted: the end of the year 9999. */
const never = 253_402_300_799;

/** Stored states that a safe mode must not replace: they are more restrictive, or leave less open (INV-03). */
const beneathSafeMode: ReadonlySet<string> = new Set(["retired", "quarantined", "provisioned", "enrolled"]);

type State = DeviceRecord["state"];

/** Targets that a device belongs to. What goes through a gateway is judged by the gateway's own record as well. */
function* targetsOf(device: DeviceRecord): Iterable<string> {
  yield `device:${device.id}`;
  yield `gateway:${device.id}`;
  yield `class:${device.tenant}/${device.class}`;
  yield `tenant:${device.tenant}`;
}

function quarantine(state: State, { by, mode = "constrain", since }: Override): State {
  const { quarantine: had, lifecycle } = state;
  const flagged = had.active || lifecycle === "quarantined";
  if (flagged && (had.mode === "block" || mode === "constrain")) {
    return had.active ? state : { ...state, quarantine: { ...had, active: true } };
  }
  return { ...state, quarantine: { active: true, mode, since, by } };
}

function safeMode(state: State, override: Override): State {
  if (state.lifecycle === "provisioned" || state.lifecycle === "enrolled")
    return quarantine(state, { ...override, mode: "constrain" });
  return beneathSafeMode.has(state.lifecycle) ? state : { ...state, lifecycle: "safe_mode" };
}

function addSignal(state: State, signal: Signal): State {
  return { ...state, signals: [...state.signals, signal] };
}

function restrict(state: State, override: Override): State {
  const { expires_at = never, kind, signal } = override;
  switch (kind) {
    case "quarantine":
      return quarantine(state, override);
    case "safe_mode":
      return safeMode(state, override);
    case "signal":
      return addSignal(state, { type: signal ?? "unknown", expires_at });
    case "disable_commands":
      return addSignal(state, { type: commandsDisabled, expires_at });
    case "pause":
      return state;
    default:
      return kind satisfies never;
  }
}

/** Revokes the credentials that an override names, whatever kind of override it is. */
function revoke(
  device: Pick<DeviceRecord, "credentials">,
  overrides: OverrideReader,
): DeviceRecord["credentials"] {
  let credentials = device.credentials;
  for (const [fingerprint, record] of Object.entries(device.credentials)) {
    if (record.status === "revoked" || overrides.of(`credential:${fingerprint}`).length === 0) continue;
    if (credentials === device.credentials)
      // Without a prototype, as they were read: nothing may be found that the record does not hold.
      credentials = Object.assign(
        Object.create(null) as Record<string, CredentialRecord>,
        device.credentials,
      );
    (credentials as Record<string, CredentialRecord>)[fingerprint] = { ...record, status: "revoked" };
  }
  return credentials;
}

/** One device as the overrides leave it; the same object where they leave it alone. */
export function mergeDevice(device: DeviceRecord, overrides: OverrideReader): DeviceRecord {
  let state = device.state;
  let lost = state.reentry_required_since;
  for (const target of targetsOf(device)) {
    for (const override of overrides.of(target)) state = restrict(state, override);
    lost = Math.max(lost, overrides.lostSince(target));
  }
  for (const fingerprint of Object.keys(device.credentials))
    lost = Math.max(lost, overrides.lostSince(`credential:${fingerprint}`));
  if (lost > state.reentry_required_since) state = { ...state, reentry_required_since: lost };
  const credentials = revoke(device, overrides);
  if (state === device.state && credentials === device.credentials) return device;
  return { ...device, state, credentials };
}

/** A tenant whose playbook answers what the service itself detects. */
function mergeTenant(tenant: TenantRecord): TenantRecord {
  return { ...tenant, playbook: { ...tenant.playbook, [commandsDisabled]: "disable_commands" } };
}

/** A rollout that is paused here; one that was aborted stays so. */
function mergeRollout(rollout: RolloutRecord, overrides: OverrideReader): RolloutRecord {
  const { id, state } = rollout;
  if (state === "aborted" || state === "paused" || overrides.of(`rollout:${id}`).length === 0) return rollout;
  return { ...rollout, state: "paused" };
}

/** A reader of `records` in which the overrides are in force. Without their store nothing is in force. */
export function withOverrides(records: RecordReader, overrides: OverrideReader): RecordReader {
  const tenants = new WeakMap<TenantRecord, TenantRecord>();
  return {
    device(id): StoredRecord<DeviceRecord> | undefined {
      const stored = records.device(id);
      if (stored?.record === undefined || overrides.idle) return stored;
      const record = mergeDevice(stored.record, overrides);
      return record === stored.record ? stored : { ...stored, record };
    },
    tenant(id): StoredRecord<TenantRecord> | undefined {
      const stored = records.tenant(id);
      if (stored?.record === undefined) return stored;
      let record = tenants.get(stored.record);
      if (record === undefined) tenants.set(stored.record, (record = mergeTenant(stored.record)));
      return { ...stored, record };
    },
    firmwarePolicy: (tenant, deviceClass) => records.firmwarePolicy(tenant, deviceClass),
    release: (id) => records.release(id),
    rollout(id): StoredRecord<RolloutRecord> | undefined {
      const stored = records.rollout(id);
      if (stored?.record === undefined || overrides.idle) return stored;
      const record = mergeRollout(stored.record, overrides);
      return record === stored.record ? stored : { ...stored, record };
    },
    service(id): StoredRecord<ServiceRecord> | undefined {
      const stored = records.service(id);
      if (stored?.record === undefined || overrides.idle) return stored;
      const credentials = revoke(stored.record, overrides);
      if (credentials === stored.record.credentials) return stored;
      return { ...stored, record: { ...stored.record, credentials } };
    },
    get revision() {
      return records.revision;
    },
    sourceAgeS: (source) => records.sourceAgeS(source),
    mayOwn: (missing) => records.mayOwn(missing),
    freshness(sources) {
      const freshness = records.freshness(sources);
      if (overrides.missing !== undefined) return { ...freshness, synced: false, watermark: 0 };
      // Fresh records never hide that overrides of other nodes were not heard.
      const older = (overrides.lagS ?? 0) - freshness.ageS;
      if (older <= 0 || !freshness.synced) return freshness;
      return { ...freshness, watermark: freshness.watermark - older, ageS: freshness.ageS + older };
    },
  };
}
