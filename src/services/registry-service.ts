/** `sallyport.v1.RegistryService`: what the registry knows, limited to the tenants of the caller. */
import type { DeviceRecord } from "../decision/facts.ts";
import type { Peer } from "../decision/identity.ts";
import * as wire from "../gen/sallyport/v1/registry.ts";
import type { RegistryStatus } from "../registry/registry-status.ts";
import type { RecordReader, StoredRecord } from "../registry/stored-record.ts";
import { Fault } from "../runtime/fault.ts";
import type { GrpcService } from "../runtime/ports.ts";
import { unary } from "../server/unary.ts";
import { permit, permitByName } from "./permit.ts";
import { type SyncParts, syncStream } from "./sync-stream.ts";

/** Parts of the service. */
export interface RegistryServiceParts {
  /** Records as they are decided on. */
  readonly records: RecordReader;
  readonly status: () => RegistryStatus;
  /** Id of the device that is asked for by id, SPIFFE id or fingerprint; empty: there is none. */
  readonly idOf: (asked: { readonly id: string; readonly fingerprint: string }) => string;
  /** Lets a snapshot in that waits for it. Throws `not_found`. */
  readonly confirmLoss: (source: string) => void;
  /** What pushed records are written into. */
  readonly sync: SyncParts;
  /** The bundle in force, if any. */
  readonly bundle: () => { readonly revision: string; readonly sequence: number } | undefined;
}

function mayRead(peer: Peer, tenant: string): boolean {
  return peer.tenants.includes("*") || peer.tenants.includes(tenant);
}

/** A record without the verifiers of its secrets. */
function withoutSecrets(record: DeviceRecord): unknown {
  const credentials = Object.entries(record.credentials).map(
    ([fingerprint, { verifier: _verifier, ...rest }]) => [fingerprint, rest] as const,
  );
  return { ...record, credentials: Object.fromEntries<unknown>(credentials) };
}

/** Builds the service. */
export function registryService(parts: RegistryServiceParts): GrpcService {
  const getDevice = (request: wire.GetDeviceRequest, peer: Peer): wire.GetDeviceResponse => {
    permit(peer, "inspect");
    const stored = parts.records.device(parts.idOf(request));
    // An isolated record names no tenant that could be trusted: only who may see all may see it.
    const visible = stored !== undefined && mayRead(peer, stored.record?.tenant ?? "*");
    if (!visible) throw new Fault("not_found", `there is no device \`${request.id || request.fingerprint}\``);
    return {
      record_json: stored.record === undefined ? "" : JSON.stringify(withoutSecrets(stored.record)),
      invalid: stored.invalid ?? "",
      revision: stored.revision,
      watermark: parts.records.freshness(sourcesOf(stored)).watermark,
      provenance: provenanceOf(stored),
    };
  };

  const provenanceOf = ({ revision, said = [], source = "" }: StoredRecord<unknown>): wire.Provenance[] => {
    const { records } = parts;
    const ageOf = (name: string): number => records.sourceAgeS(name) ?? records.freshness().ageS;
    const owner = { group: "record", origin: "operator", source, revision, told_at: 0 };
    return [owner, ...said].map((each) => ({ ...each, age_s: ageOf(each.source) }));
  };

  const getStatus = (_request: wire.GetStatusRequest, peer: Peer): wire.GetStatusResponse => {
    permit(peer, "inspect");
    const status = parts.status();
    const all = peer.tenants.includes("*");
    const bundle = parts.bundle();
    return {
      synced: status.synced,
      revision: status.revision,
      watermark: status.watermark,
      age_s: status.ageS,
      // What goes beyond one tenant is for those who may see all.
      sources: all ? status.sources.map(toSource) : [],
      devices_by_lifecycle: all ? { ...status.counts["device"] } : {},
      records_by_kind: all ? totals(status.counts) : {},
      bundle_revision: bundle?.revision ?? "",
      bundle_sequence: bundle?.sequence ?? 0,
    };
  };

  const confirmDeletions = (
    { source }: wire.ConfirmDeletionsRequest,
    peer: Peer,
  ): wire.ConfirmDeletionsResponse => {
    permitByName(peer, "admin");
    if (!peer.tenants.includes("*"))
      throw new Fault("peer_forbidden", "only a peer of all tenants may confirm what a source deletes");
    parts.confirmLoss(source);
    return {};
  };

  return {
    definition: wire.RegistryServiceService,
    implementation: {
      getDevice: unary(getDevice),
      getStatus: unary(getStatus),
      confirmDeletions: unary(confirmDeletions),
      sync: syncStream(parts.sync),
    },
  };
}

/** Whose word a record is; `undefined`: nobody knows. */
function sourcesOf({ said = [], source }: StoredRecord<unknown>): readonly string[] | undefined {
  return source === undefined ? undefined : [source, ...said.map((each) => each.source)];
}

function totals(counts: RegistryStatus["counts"]): Record<string, number> {
  const sums = Object.entries(counts).map(
    ([kind, states]) => [kind, Object.values(states).reduce((sum, count) => sum + count, 0)] as const,
  );
  return Object.fromEntries<number>(sums);
}

function toSource(source: RegistryStatus["sources"][number]): wire.SourceStatus {
  return {
    name: source.name,
    watermark: source.watermark,
    fault: source.fault?.message ?? "",
    rejected: source.rejected.map(({ line, key, reason }) => ({ line, key: key ?? "", reason })),
    rejected_count: source.rejectedTotal,
    age_s: source.ageS,
    synced: source.synced,
    records: Object.values(totals(source.counts)).reduce((sum, count) => sum + count, 0),
    epoch: source.position?.epoch ?? "",
    revision: source.position?.revision ?? 0,
    counters: { ...source.counters },
    origin: source.origin ?? "",
    loading: source.loading,
    unconfirmed_loss: source.unconfirmedLoss ?? 0,
    diverges: source.diverges ?? false,
    counts: Object.fromEntries(
      Object.entries(source.counts).flatMap(([kind, states]) =>
        Object.entries(states).map(([state, count]) => [`${kind}/${state}`, count] as const),
      ),
    ),
  };
}
