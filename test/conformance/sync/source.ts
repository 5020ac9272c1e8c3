/** A registry beside the service: what it has, in which order it says it. */
import type { DeviceRecord, RecordKey } from "../../../src/decision/facts.ts";
import { type BucketDigest, bucketOf, digestOf } from "../../../src/registry/bucket-digest.ts";
import type { SyncEvent } from "../../../src/registry/sync.ts";
import { type Json, mergePatch } from "../../cases/table.ts";
import { deviceRecord, floorRecord, tenantRecord } from "../../records.ts";

const minute = 60;

/** A meter of acme with the credential that rows name, or the camera under zero trust. */
export function deviceOf(id: string, now: number, patch: Json = {}): DeviceRecord {
  const own = { credentials: { [`fp-${id}`]: null, [`fp-${id}-b`]: credential(now) } };
  return deviceRecord(id, now, mergePatch(mergePatch(own, id === "cam-3" ? camera(now) : {}), patch) as Json);
}

const credential = (now: number): Json => ({
  status: "active",
  bound_at: now - 20 * 86_400,
  last_used_at: now - 5 * minute,
  devices: 1,
});

const camera = (now: number): Json => ({
  tenant: "acme-zt",
  class: "camera",
  attestation: {
    status: "affirming",
    vector: { instance_identity: 2, executables: 2, hardware: 2, configuration: 2 },
    verifier: "veraison-prod",
    key_fingerprint: "fp-cam-3-b",
    appraised_at: now,
    expires_at: now + 4 * 3600,
  },
});

/** What is there in every row: tenants, floors and the camera. */
export function background(now: number): readonly { readonly kind: string; readonly record: object }[] {
  return [
    { kind: "tenant", record: tenantRecord("acme") },
    { kind: "tenant", record: tenantRecord("acme-zt", { model: "zero_trust" }) },
    { kind: "firmware_policy", record: floorRecord("acme", "meter", now) },
    { kind: "firmware_policy", record: floorRecord("acme-zt", "camera", now) },
    { kind: "device", record: deviceOf("cam-3", now) },
  ];
}

/** Words what the source does as events, and keeps the truth of it. */
export class Source {
  readonly now: number;
  readonly truth: Map<string, number> = new Map();
  readonly background: readonly { readonly kind: string; readonly record: object }[];
  contiguous = false;
  /** Revision of the last change that was said. */
  last = 0;
  #open: number | undefined;

  constructor(now: number, alone = false) {
    this.now = now;
    this.background = alone ? [] : background(now);
  }

  begin(revision: number = this.last + 1): SyncEvent[] {
    this.#open = revision;
    this.last = revision;
    this.truth.clear();
    return [
      { type: "begin_snapshot", revision },
      ...this.background.map(
        ({ kind, record }): SyncEvent => ({
          type: "upsert",
          kind,
          record: JSON.stringify(record),
          revision: 0,
        }),
      ),
    ];
  }

  put(id: string, patch: Json, { prev, revision }: { revision?: number; prev?: number } = {}): SyncEvent {
    const at = revision ?? (this.#open === undefined ? this.last + 1 : this.#open);
    const before = prev ?? (this.contiguous && this.#open === undefined ? this.last : 0);
    const record = JSON.stringify(withNulls(deviceOf(id, this.now, patch), patch));
    if (this.#open === undefined) this.last = Math.max(this.last, at);
    this.truth.set(id, at);
    return { type: "upsert", kind: "device", record, revision: at, prev: before, version: at };
  }

  gone(id: string, revision: number): SyncEvent {
    this.last = Math.max(this.last, revision);
    this.truth.delete(id);
    return { type: "delete", key: `device:${id}`, revision };
  }

  end(count: number): SyncEvent {
    this.#open = undefined;
    return { type: "end_snapshot", count: count + this.background.length, checksum: "" };
  }

  /** What it would say of every bucket of acme that holds something. */
  digests(): readonly BucketDigest[] {
    const entries = [...this.truth].map(([id, version]): readonly [RecordKey, number] => [
      `device:${id}`,
      version,
    ]);
    const buckets = new Set(entries.map(([key]) => bucketOf(key)));
    return [...buckets].map((bucket) => ({
      tenant: "acme",
      bucket,
      ...digestOf(entries.filter(([key]) => bucketOf(key) === bucket)),
    }));
  }
}

/** A merge patch takes a member away by null; a source that says null says null. */
function withNulls(record: object, patch: Json): object {
  const nulls = Object.entries(patch).filter(([, value]) => value === null);
  return { ...record, ...Object.fromEntries(nulls) };
}
