/** The join of an OTA question: the device, its registered credential, the release and the rollout behind it. */
import type { CredentialRecord, DeviceRecord } from "../decision/facts.ts";
import { bucketOf } from "./bucket.ts";
import type { FactsReader } from "./facts-reader.ts";
import { devicePart, type Joined } from "./join.ts";
import { Reading } from "./reading.ts";

type Registered = readonly [fingerprint: string, record: CredentialRecord];

/**
 * The credential that stands for a device that presents none, by its fingerprint: the active one that its evidence is
 * bound to, else the active one bound last; where none is active, the one bound last, so that the policy can say what
 * became of it.
 */
export function registeredFingerprint({ attestation, credentials }: DeviceRecord): string | undefined {
  let best: string | undefined;
  let bestRank = -1;
  for (const fingerprint in credentials) {
    const record = credentials[fingerprint] as CredentialRecord;
    const rank = record.status !== "active" ? 0 : fingerprint === attestation?.key_fingerprint ? 2 : 1;
    if (
      best === undefined ||
      rank > bestRank ||
      (rank === bestRank && isLater(fingerprint, best, credentials))
    ) {
      best = fingerprint;
      bestRank = rank;
    }
  }
  return best;
}

function isLater(fingerprint: string, than: string, credentials: DeviceRecord["credentials"]): boolean {
  const by = (credentials[fingerprint]?.bound_at ?? 0) - (credentials[than]?.bound_at ?? 0);
  return by > 0 || (by === 0 && fingerprint < than);
}

export function registeredCredential(device: DeviceRecord): Registered | undefined {
  const fingerprint = registeredFingerprint(device);
  return fingerprint === undefined
    ? undefined
    : [fingerprint, device.credentials[fingerprint] as CredentialRecord];
}

/** The facts of that credential, as far as the registry knows them. */
function credentialPart(device: DeviceRecord, registered: Registered | undefined): unknown {
  if (registered === undefined) return null;
  const [fingerprint, record] = registered;
  return {
    type: record.type ?? null,
    trust_domain: device.trust_domain,
    device_id: device.id,
    tenant: device.tenant,
    fingerprint,
    not_before: record.not_before ?? null,
    not_after: record.not_after ?? null,
    key_protection: record.key_protection ?? null,
  };
}

/** The device as the policy sees it; the bucket is always the host's. */
export function otaDevicePart(
  device: DeviceRecord,
  registered: Registered | undefined,
  salt: string,
): unknown {
  const part = devicePart(device, (fingerprint) => fingerprint === registered?.[0]) as DeviceRecord;
  return {
    ...part,
    firmware: part.firmware ?? null,
    ota: { ...part.ota, bucket: bucketOf(salt, device.id) },
  };
}

/** Joins the facts of whether a device may take a release; `release` empty: none is on offer. */
export function joinOta(reader: FactsReader, deviceId: string, release: string): Joined {
  const reading = new Reading(reader);
  const device = reading.device(deviceId);
  const tenant =
    device === null
      ? null
      : reading.take(`tenant:${device.tenant}`, reader.tenant(device.tenant), device.tenant);
  const offered = release === "" ? null : reading.take(`release:${release}`, reader.release(release));
  const rollout =
    offered === null || offered.rollout === ""
      ? null
      : reading.take(`rollout:${offered.rollout}`, reader.rollout(offered.rollout));
  const registered = device === null ? undefined : registeredCredential(device);
  return {
    parts: {
      credential: device === null ? null : credentialPart(device, registered),
      device: device === null ? null : otaDevicePart(device, registered, rollout?.id ?? ""),
      tenant,
      release: offered,
      rollout,
    },
    model: device?.model || (tenant?.model ?? ""),
    tenant: device?.tenant ?? "",
    restsOn: reading.restsOn,
    sources: reading.sources,
    invalid: reading.invalid,
    lastSeq: 0,
  };
}
