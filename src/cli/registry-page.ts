/** The registry's status, and what became of a push, as people read them. */
import type {
  GetStatusResponse,
  SourceLoading,
  SourceStatus,
  SyncDuty,
} from "../gen/sallyport/v1/registry.ts";
import { showMoment, showSpan } from "./moment.ts";
import { barOf } from "./progress.ts";
import { visible } from "./visible.ts";

/** Most rejected records that are shown. */
const shown = 10;

function renderCounts(counts: Readonly<Record<string, number>>): string {
  const pairs = Object.entries(counts).filter(([, count]) => count !== 0);
  return pairs.length === 0 ? "none" : pairs.map(([name, count]) => `${name} ${count}`).join(", ");
}

/** `[######......] 50 %, 600 of about 1200 records, 2 s`. */
function renderLoading({ expected, records, seconds }: SourceLoading): string {
  if (expected === 0) return `${records} records, ${showSpan(seconds)}`;
  return `${barOf(records / expected)}, ${records} of about ${expected} records, ${showSpan(seconds)}`;
}

function renderSource(source: SourceStatus, now: number): string {
  const {
    age_s,
    counters,
    epoch,
    fault,
    name,
    records,
    rejected,
    rejected_count,
    revision,
    synced,
    unconfirmed_loss,
  } = source;
  const { counts, diverges, origin } = source;
  const age = synced ? `${showSpan(age_s)} old` : "no snapshot yet";
  const word = origin === "" || origin === "operator" ? "" : `, as the word of the ${visible(origin)}`;
  const lines = [`source ${visible(name)}: ${records} records, ${age}${word}`];
  if (records > 0) lines.push(`  holds      ${renderCounts(counts)}`);
  if (epoch !== "") lines.push(`  position   ${revision} of epoch ${visible(epoch)}`);
  if (source.loading !== undefined) lines.push(`  loading    ${renderLoading(source.loading)}`);
  if (unconfirmed_loss > 0)
    lines.push(
      `  waiting    a snapshot that loses ${unconfirmed_loss} records: sallyport registry confirm ${visible(name)}`,
    );
  if (diverges) lines.push("  diverges   from what the source says it has; it ages until that is mended");
  if (fault !== "") lines.push(`  fault      ${visible(fault)}`);
  lines.push(`  since start ${renderCounts(counters)}`);
  if (rejected_count > 0) lines.push(`  rejected   ${rejected_count}`);
  for (const { key, line, reason } of rejected.slice(0, shown))
    lines.push(`    ${line} ${visible(key || "?")}: ${visible(reason)}`);
  if (synced) lines.push(`  complete   through ${showMoment(source.watermark, now)}`);
  return `${lines.join("\n")}\n`;
}

/** The whole registry at a glance. */
export function renderStatus(status: GetStatusResponse, now: number): string {
  const { age_s, bundle_revision, devices_by_lifecycle, records_by_kind, revision, sources, synced } = status;
  const head = synced ? `revision ${revision}, ${showSpan(age_s)} old` : "not ready: a snapshot is missing";
  return [
    `registry ${head}\n`,
    `  records    ${renderCounts(records_by_kind)}\n`,
    `  devices    ${renderCounts(devices_by_lifecycle)}\n`,
    `  bundle     ${visible(bundle_revision || "none")}\n`,
    ...sources.map((source) => renderSource(source, now)),
  ].join("");
}

/** What became of a pushed file. */
export interface Pushed {
  readonly source: string;
  readonly records: number;
  readonly rejected: readonly { readonly key: string; readonly reason: string }[];
  /** What the service has recorded, and these records do not say. */
  readonly duties: readonly SyncDuty[];
}

/** The same for people. */
export function renderPushed({ duties, records, rejected, source }: Pushed): string {
  const lines = [`in force: ${records} records of source ${visible(source)}, ${rejected.length} rejected\n`];
  for (const { key, reason } of rejected.slice(0, shown))
    lines.push(`  ${visible(key || "?")}: ${visible(reason)}\n`);
  if (rejected.length > shown) lines.push(`  and ${rejected.length - shown} more\n`);
  for (const { key, reentry_required_since: since, spent_claims } of duties) {
    const due = [
      ...(since === 0 ? [] : [`state.reentry_required_since is ${since}`]),
      ...spent_claims.map((fingerprint) => `claim ${visible(fingerprint)} is used`),
    ];
    lines.push(`  duty ${visible(key)}: ${due.join(", ")}\n`);
  }
  return lines.join("");
}
