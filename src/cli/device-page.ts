/** A device record for people. */
import type { CredentialRecord, DeviceRecord } from "../decision/facts.ts";
import { showMoment, showSpan } from "./moment.ts";
import { alignCells, emphasise, type Row, renderRows } from "./page.ts";
import type { KnownDevice } from "./registry-call.ts";
import { visible } from "./visible.ts";

function firmware(facts: DeviceRecord["firmware"]): string {
  if (facts === undefined) return "unknown";
  const details = [`key ${facts.key ?? "unknown"}`, `svn ${facts.svn ?? "unknown"}`, facts.channel];
  return `${facts.version} (${details.join(", ")})`;
}

function attestation(facts: DeviceRecord["attestation"] | undefined, now: number): string[] {
  if (facts === null || facts === undefined) return ["none"];
  const vector = Object.entries(facts.vector).map(([claim, tier]) => `${claim} ${tier}`);
  return [
    `${facts.status}, by ${facts.verifier}`,
    ...(facts.appraised_at === undefined ? [] : [`appraised ${showMoment(facts.appraised_at, now)}`]),
    ...(facts.expires_at === undefined ? [] : [`expires ${showMoment(facts.expires_at, now)}`]),
    ...(vector.length === 0 ? [] : [vector.join(", ")]),
  ];
}

function credential(fingerprint: string, facts: CredentialRecord, now: number): string[] {
  const ago = (at: number): string => (at === 0 ? "never" : `${showSpan(now - at)} ago`);
  return [fingerprint, facts.status, `bound ${ago(facts.bound_at)}`, `used ${ago(facts.last_used_at)}`];
}

function state(facts: DeviceRecord["state"] | undefined, now: number): Row[] {
  if (facts === undefined) return [];
  const { quarantine, signals } = facts;
  return [
    ["last seen", showMoment(facts.last_seen_at, now)],
    ...(quarantine.active
      ? [
          [
            "quarantine",
            `${quarantine.mode}, by ${quarantine.by}, since ${showMoment(quarantine.since, now)}`,
          ] as const,
        ]
      : []),
    ...(facts.reentry_required_since === 0
      ? []
      : [["re-entry", `evidence required since ${showMoment(facts.reentry_required_since, now)}`] as const]),
    ["signals", ...signals.map(({ type, expires_at }) => `${type}, until ${showMoment(expires_at, now)}`)],
  ];
}

function support(facts: DeviceRecord["support"] | undefined, now: number): string[] {
  if (facts === undefined) return [];
  return [
    `updates end ${showMoment(facts.support_ends_at, now)}`,
    `service ends ${showMoment(facts.eol_at, now)}`,
  ];
}

/** Who said what: one line for each who did. */
function provenance(all: KnownDevice["provenance"], now: number): string[] {
  return alignCells(
    all.map(({ age_s, group, origin, revision, source, told_at }) => [
      group === "record" ? (all.length > 1 ? "all else" : "all") : group,
      `${origin}, by ${visible(source || "?")}`,
      `revision ${revision}`,
      `${showSpan(age_s)} old`,
      told_at === 0 ? "" : `said ${showMoment(told_at, now)}`,
    ]),
  );
}

/** The device in aligned lines. `now` is unix seconds. */
export function renderDevice(known: KnownDevice, now: number): string {
  const { id, invalid, record, revision, watermark } = known;
  const through: Row = ["registry", `revision ${revision}, complete through ${showMoment(watermark, now)}`];
  if (record === undefined) {
    const why = invalid ?? "the service sent no record";
    return `${visible(id)}  ${emphasise("bad", "isolated")}\n${renderRows([["invalid", why], ["provenance", ...provenance(known.provenance, now)], through])}`;
  }
  const { home_region, regions = [], compliance, via = [], credentials = {} } = record;
  const lifecycle = record.state?.lifecycle ?? "unknown";
  const contained = record.state?.quarantine.active === true;
  const standing = contained && lifecycle !== "quarantined" ? `${lifecycle}, in quarantine` : lifecycle;
  const waiver = compliance?.exception;
  return `${visible(id)}  ${emphasise(standing === "active" ? "good" : "bad", visible(standing))}\n${renderRows(
    [
      ["tenant", `${record.tenant}, class ${record.class}, model ${record.model || "as the tenant"}`],
      ["place", `home ${home_region}, allowed ${regions.join(", ")}, zone ${record.zone}`],
      ["gateways", ...(via.length === 0 ? [] : [via.join(", ")])],
      ["firmware", firmware(record.firmware)],
      ["attestation", ...attestation(record.attestation, now)],
      [
        "credentials",
        ...alignCells(Object.entries(credentials).map(([name, facts]) => credential(name, facts, now))),
      ],
      ["support", ...support(record.support, now)],
      [
        "compliance",
        `${compliance?.status ?? "unknown"}${waiver === undefined ? "" : `, waiver ${waiver.id} until ${showMoment(waiver.expires_at, now)}`}`,
      ],
      ...state(record.state, now),
      ["provenance", ...provenance(known.provenance, now)],
      through,
    ],
  )}`;
}
