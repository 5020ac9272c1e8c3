/** `sallyport bundle status`, `promote` and `abort`: the bundles of a running service. */
import type { Command } from "commander";
import type { BundleCandidate, GetBundleStatusResponse } from "../gen/sallyport/v1/bundle.ts";
import { Fault } from "../runtime/fault.ts";
import { type ConnectionFlags, withConnection } from "./connection.ts";
import { examples } from "./examples.ts";
import { alignCells, type Row, renderRows } from "./page.ts";
import { visible } from "./visible.ts";

const moment = (unix: number): string => new Date(unix * 1000).toISOString().slice(0, 19) + "Z";

async function statusOf(flags: ConnectionFlags): Promise<GetBundleStatusResponse> {
  const { getBundleStatus } = await import("./bundle-call.ts");
  return getBundleStatus(flags);
}

async function status(flags: ConnectionFlags & { readonly json?: true }): Promise<void> {
  const answer = await statusOf(flags);
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(answer)}\n`);
    return;
  }
  const { active, candidate } = answer;
  const rows: Row[] = [];
  if (active !== undefined) {
    rows.push(
      ["digest", `sha256 ${active.digest}`],
      ["from", active.from],
      ["signed by", active.signer || "nobody"],
      ["approved by", active.approvers.join(", ") || "nobody"],
      ["since", moment(active.since)],
    );
    if (active.expires_at > 0) rows.push([active.expired ? "EXPIRED" : "expires", moment(active.expires_at)]);
    if (active.rollback_reason !== "") rows.push(["rollback", active.rollback_reason]);
  }
  rows.push(["highest", `sequence ${answer.highest_sequence}`]);
  if (answer.unkept !== "") rows.push(["not kept", answer.unkept]);
  if (answer.fault !== "") rows.push(["fault", answer.fault]);
  const head =
    active === undefined
      ? "no bundle is in force"
      : `in force ${visible(active.revision)}, sequence ${active.sequence}`;
  process.stdout.write(`${head}\n${renderRows(rows)}`);
  if (candidate !== undefined && candidate.digest !== active?.digest)
    process.stdout.write(candidatePage(candidate));
}

function candidatePage(candidate: BundleCandidate): string {
  const { state, revision, sequence, digest, fault, failed_in, keys, keys_needed, waits_for, shadow } =
    candidate;
  const rows: Row[] = [
    ["digest", `sha256 ${digest}`],
    ["from", candidate.from],
    ["since", moment(candidate.since)],
  ];
  if (fault !== "") rows.push(["fault", `in ${failed_in || state}: ${fault}`]);
  if (keys_needed > 0) rows.push(["keys", `${keys} of ${keys_needed}`]);
  if (waits_for.length > 0) rows.push(["waits for", waits_for.join(", ")]);
  if (candidate.cases > 0)
    rows.push(["own cases", `${candidate.cases} passed, p99 ${Math.round(candidate.p99_us)} us`]);
  if (shadow !== undefined) {
    rows.push([
      "shadow",
      `${shadow.compared} compared: ${shadow.newly_denied} newly denied, ${shadow.newly_allowed} newly allowed, ${shadow.other_reason} other reason; ${shadow.dropped} dropped`,
    ]);
    const lines = shadow.differences.map((each) => [
      String(each.count),
      each.kind,
      each.tenant,
      each.class,
      each.firmware,
      each.profile,
      `${each.reason_now} -> ${each.reason_then}`,
    ]);
    if (lines.length > 0) rows.push(["differences", ...alignCells(lines)]);
  }
  return `${state} ${visible(revision)}, sequence ${sequence}\n${renderRows(rows)}`;
}

/** The candidate that is meant: the one that a person has just seen, unless it is named. */
async function meant(flags: ConnectionFlags, digest: string | undefined): Promise<string> {
  if (digest !== undefined) return digest;
  const { candidate } = await statusOf(flags);
  if (candidate !== undefined) return candidate.digest;
  throw new Fault("not_found", "no bundle is on its way");
}

async function promote(flags: ConnectionFlags & { readonly digest?: string }): Promise<void> {
  const digest = await meant(flags, flags.digest);
  const { promoteBundle } = await import("./bundle-call.ts");
  const { revision } = await promoteBundle(flags, digest);
  process.stdout.write(`in force ${visible(revision)}\n`);
}

async function abort(
  flags: ConnectionFlags & { readonly digest?: string; readonly reason: string },
): Promise<void> {
  const digest = await meant(flags, flags.digest);
  const { abortBundle } = await import("./bundle-call.ts");
  const { revision } = await abortBundle(flags, digest, flags.reason);
  process.stdout.write(`aborted ${visible(revision)}\n`);
}

/** Adds the commands to `bundle`. */
export function bundleStatus(parent: Command): void {
  const show = parent
    .command("status")
    .summary("which bundle is in force, and which is on its way")
    .description(
      "Which bundle a running service has in force, which one is on its way, and what it waits for.",
    )
    .option("--json", "JSON on one line");
  withConnection(show)
    .addHelpText("after", examples(["look", "sallyport bundle status"]))
    .action(status);
  const go = parent
    .command("promote")
    .summary("put the bundle in force that is in the shadow")
    .description(
      "Put the bundle in force that is being compared in the shadow. The peer needs the kind `admin`.",
    )
    .option("--digest <digest>", "only if it is this one");
  withConnection(go)
    .addHelpText("after", examples(["go", "sallyport bundle promote"]))
    .action(promote);
  const drop = parent
    .command("abort")
    .summary("drop the bundle that waits or is in the shadow")
    .description(
      "Drop the bundle that waits for approval or is in the shadow. The peer needs the kind `admin`.",
    )
    .requiredOption("--reason <text>", "why; it is logged")
    .option("--digest <digest>", "only if it is this one");
  withConnection(drop)
    .addHelpText("after", examples(["drop", 'sallyport bundle abort --reason "denies all cameras"']))
    .action(abort);
}
