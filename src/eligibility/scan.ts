/** A walk over the fleet in the order of device ids: filtered, in batches, resumable. */
import { createHash } from "node:crypto";
import { setImmediate as breathe } from "node:timers/promises";
import type { DeviceRecord, ReleaseRecord } from "../decision/facts.ts";
import type { Peer } from "../decision/identity.ts";
import type { FactsReader } from "../pdp/facts-reader.ts";
import { Fault } from "../runtime/fault.ts";
import { byMerit, type Candidate, mayConcern } from "./best.ts";
import type { Bulk, Word } from "./bulk.ts";
import type { Eligibility } from "./eligibility.ts";

/** Which devices; empty lists and absent bounds match all. */
export interface FleetFilter {
  readonly tenants: readonly string[];
  readonly classes: readonly string[];
  readonly regions: readonly string[];
  readonly rings: readonly number[];
  readonly firmwareFrom: number | undefined;
  readonly firmwareTo: number | undefined;
}

/** What a scan reads. */
export interface ScanParts {
  readonly facts: FactsReader;
  /** Device ids after one, in order, at most so many; `undefined`: from the first. */
  readonly idsAfter: (after: string | undefined, limit: number) => readonly string[];
  readonly releaseIds: () => readonly string[];
  readonly bulk: Bulk;
  readonly peer: Peer;
}

/** One scan. */
export interface ScanRequest {
  /** Empty: the best for each device. */
  readonly release: string;
  readonly filter: FleetFilter;
  /** Most devices to examine; 0: all. */
  readonly pageSize: number;
  readonly pageToken: string;
}

/** Devices examined since the last batch, and where the walk stands. */
export interface ScanBatch {
  readonly items: readonly (readonly [DeviceRecord, Eligibility])[];
  /** Goes on behind the last device looked at; empty: there is none left. */
  readonly pageToken: string;
}

const batchSize = 256;

function matches(device: DeviceRecord, filter: FleetFilter): boolean {
  const { classes, firmwareFrom, firmwareTo, regions, rings, tenants } = filter;
  const has = <T>(list: readonly T[], value: T): boolean => list.length === 0 || list.includes(value);
  if (!has(tenants, device.tenant) || !has(classes, device.class)) return false;
  if (!has(regions, device.home_region) || !has(rings, device.ota.ring)) return false;
  if (firmwareFrom === undefined && firmwareTo === undefined) return true;
  const key = device.firmware?.key ?? undefined;
  return key !== undefined && key >= (firmwareFrom ?? 0) && key <= (firmwareTo ?? Number.POSITIVE_INFINITY);
}

function digestOf({ release, filter }: ScanRequest): string {
  return createHash("sha256")
    .update(JSON.stringify([release, filter]))
    .digest("base64url")
    .slice(0, 12);
}

/** A token that goes on behind `after`, for the same question only. */
export function pageTokenOf(request: ScanRequest, after: string): string {
  return Buffer.from(JSON.stringify([1, digestOf(request), after])).toString("base64url");
}

function readToken(request: ScanRequest): string | undefined {
  if (request.pageToken === "") return undefined;
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(request.pageToken, "base64url").toString("utf8"));
  } catch {
    read = undefined;
  }
  const [version, digest, after] = Array.isArray(read) ? (read as unknown[]) : [];
  if (version !== 1 || typeof after !== "string")
    throw new Fault("request_invalid", "`page_token` is none of this service");
  if (digest !== digestOf(request))
    throw new Fault("request_invalid", "`page_token` belongs to another release or filter");
  return after;
}

function candidates({ facts, releaseIds }: ScanParts): readonly ReleaseRecord[] {
  return releaseIds().flatMap((id) => facts.release(id)?.record ?? []);
}

/** The answer for one device: of the release asked for, or the best of all. */
export function judgeOne(
  parts: ScanParts,
  device: DeviceRecord,
  release: string,
  offered: readonly ReleaseRecord[],
  word?: Word,
): Eligibility {
  if (release !== "") return parts.bulk.judge(device, release, word);
  const all = offered
    .filter((each) => mayConcern(each, device))
    .map((each): Candidate => ({ release: each, eligibility: parts.bulk.judge(device, each.id, word) }));
  return all.sort(byMerit)[0]?.eligibility ?? parts.bulk.judge(device, "", word);
}

/** Walks. Whoever reads it slowly slows it down; whoever stops reading ends it. Throws `request_invalid`. */
export async function* scan(parts: ScanParts, request: ScanRequest): AsyncGenerator<ScanBatch> {
  const { bulk, facts, idsAfter, peer } = parts;
  let after = readToken(request);
  let left = request.pageSize === 0 ? Number.POSITIVE_INFINITY : request.pageSize;
  const all = peer.tenants.includes("*");
  for (;;) {
    bulk.begin();
    const offered = request.release === "" ? candidates(parts) : [];
    const items: (readonly [DeviceRecord, Eligibility])[] = [];
    const ids = idsAfter(after, batchSize);
    let looked = 0;
    for (const id of ids) {
      if (left === 0) break;
      looked += 1;
      after = id;
      const stored = facts.device(id);
      const device = stored?.record;
      if (device === undefined || !(all || peer.tenants.includes(device.tenant))) continue;
      if (!matches(device, request.filter)) continue;
      items.push([device, judgeOne(parts, device, request.release, offered, stored)]);
      left -= 1;
    }
    const ended = looked === ids.length && ids.length < batchSize;
    yield { items, pageToken: ended || after === undefined ? "" : pageTokenOf(request, after) };
    if (ended || left === 0) return;
    await breathe();
  }
}
