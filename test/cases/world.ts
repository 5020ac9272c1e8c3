/** A row's world: the records, the peer, the proof and the question that its facts describe. */
import type { Actor, Approval, BreakGlass, Credential, RecordKey } from "../../src/decision/facts.ts";
import type { Evidence, Identity, Peer } from "../../src/decision/identity.ts";
import type { Query, Subject, Will } from "../../src/decision/query.ts";
import type { Json, Row } from "./table.ts";

/** A record to be stored. */
export interface WorldRecord {
  readonly key: RecordKey;
  readonly kind: "device" | "tenant" | "firmware_policy";
  readonly record: Json;
}

/** What a row says, taken apart. */
export interface World {
  readonly now: number;
  readonly synced: boolean;
  readonly watermark: number;
  readonly records: readonly WorldRecord[];
  readonly peer: Peer;
  readonly query: Query;
}

/** What a record must hold and no policy of this release reads: tables leave it out. */
const unread: Json = {
  home_region: "eu-west",
  hw_rev: "r1",
  ota: {
    ring: 0,
    attempts: 0,
    last_release: "none",
    in_progress: "",
    battery_pct: 100,
    mains: true,
    idle: true,
    tz_offset_s: 0,
  },
};

/** Completes what a table leaves out of a device. */
export function completed(device: Json): Json {
  const firmware = object(device["firmware"]);
  const state = object(device["state"]);
  const quarantine = object(state?.["quarantine"]);
  return {
    ...unread,
    ...device,
    ...(firmware === undefined ? {} : { firmware: { version: "0", svn: 0, ...firmware } }),
    ...(state === undefined
      ? {}
      : {
          state: {
            last_seq: 0,
            ...state,
            ...(quarantine === undefined ? {} : { quarantine: { since: 0, by: "nobody", ...quarantine } }),
          },
        }),
  };
}

/** Facts that a fixture's gateway leaves out: it is stored like any device. */
const gatewayDefaults: Json = {
  trust_domain: "prod.devices.acme.example",
  home_region: "eu-west",
  regions: ["eu-west"],
  hw_rev: "r1",
  zone: "none",
  via: [],
  credentials: {},
  compliance: { status: "compliant" },
  ota: {
    ring: 0,
    attempts: 0,
    last_release: "none",
    in_progress: "",
    battery_pct: 100,
    mains: true,
    idle: true,
    tz_offset_s: 0,
  },
};

const stateDefaults: Json = { last_seen_at: 0, reentry_required_since: 0, last_seq: 0, signals: [] };
const quarantineDefaults: Json = { mode: "constrain", since: 0, by: "nobody" };

const object = (value: unknown): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

function gatewayRecord(gateway: Json, now: number): Json {
  const state = object(gateway["state"]) ?? {};
  return {
    ...gatewayDefaults,
    ...gateway,
    state: {
      ...stateDefaults,
      last_seen_at: now,
      ...state,
      quarantine: { ...quarantineDefaults, ...(object(state["quarantine"]) ?? {}) },
    },
  };
}

function recordsOf(facts: Json): WorldRecord[] {
  const records: WorldRecord[] = [];
  const device = object(facts["device"]);
  const gateway = object(facts["gateway"]);
  const tenant = object(facts["tenant"]);
  const add = (kind: WorldRecord["kind"], id: string, record: Json): void => {
    records.push({ key: `${kind}:${id}`, kind, record });
  };
  if (tenant !== undefined) add("tenant", String(tenant["id"] ?? device?.["tenant"]), tenant);
  if (gateway !== undefined) {
    add("device", String(gateway["id"]), gatewayRecord(gateway, facts["now"] as number));
    const floor = object(facts["gateway_fw_policy"]);
    const place = { tenant: gateway["tenant"], class: gateway["class"] };
    if (floor !== undefined)
      add("firmware_policy", `${place.tenant}/${place.class}`, { blocked: [], ...floor, ...place });
  }
  if (device !== undefined) {
    add("device", String(device["id"] ?? object(facts["request"])?.["client_id"]), device);
    const floor = object(facts["fw_policy"]);
    const place = { tenant: device["tenant"], class: device["class"] };
    if (floor !== undefined) add("firmware_policy", `${place.tenant}/${place.class}`, { ...floor, ...place });
  }
  return records;
}

function peerOf(request: Json): Peer {
  return {
    name: "table",
    env: String(request["env"] ?? ""),
    region: String(request["region"] ?? ""),
    endpoint: String(request["endpoint"] ?? ""),
    source_zone: String(request["source_zone"] ?? ""),
    tenants: ["*"],
    kinds: ["*"],
    may_assert: ["credential", "gateway", "actor", "approvals", "break_glass"],
  };
}

type Proof = Evidence | Identity | null;

function subjectOf(facts: Json, request: Json, proofOf: (credential: Credential) => Proof): Subject {
  const credential = object(facts["credential"]) as Credential | undefined;
  const proof = credential === undefined ? null : proofOf(credential);
  const base: Subject = { client_id: String(request["client_id"] ?? ""), proof };
  if (request["via"] === undefined) return base;
  const deviceId = String(object(facts["device"])?.["id"] ?? credential?.device_id ?? request["client_id"]);
  return { ...base, device_id: deviceId, via: { gateway_id: String(request["via"]), proof: null } };
}

function queryOf(facts: Json, request: Json, proofOf: (credential: Credential) => Proof): Query {
  const qos = request["qos"] as 0 | 1 | 2;
  const optional = <K extends string>(name: K): Record<K, number> | Record<string, never> =>
    request[name] === undefined ? {} : ({ [name]: request[name] } as Record<K, number>);
  switch (request["kind"]) {
    case "connect":
      return {
        kind: "connect",
        subject: subjectOf(facts, request, proofOf),
        ...optional("device_time"),
        ...(object(request["will"]) === undefined ? {} : { will: request["will"] as unknown as Will }),
      };
    case "publish":
      return {
        kind: "publish",
        subject: subjectOf(facts, request, proofOf),
        topic: (request["topic"] ?? "") as string,
        qos,
        retain: request["retain"] === true,
        ...optional("occurred_at"),
        ...optional("seq"),
      };
    case "subscribe":
      return {
        kind: "subscribe",
        subject: subjectOf(facts, request, proofOf),
        filter: (request["filter"] ?? "") as string,
        qos,
      };
    case "command":
      return {
        kind: "command",
        device_id: String(object(facts["device"])?.["id"] ?? request["client_id"]),
        command: String(request["command"] ?? ""),
        ...(request["via"] === undefined ? {} : { via: String(request["via"]) }),
        actor: (object(facts["actor"]) ?? null) as Actor | null,
        approvals: (facts["approvals"] ?? []) as Approval[],
        break_glass: (object(facts["break_glass"]) ?? null) as BreakGlass | null,
      };
    default:
      throw new Error(`this suite has no kind \`${String(request["kind"])}\``);
  }
}

/** Takes a row's facts apart. `proofOf` turns the credential's facts into a proof. */
export function worldOf(facts: Json, proofOf: (credential: Credential) => Proof, kind?: string): World {
  const request: Json = { ...(kind === undefined ? {} : { kind }), ...(object(facts["request"]) ?? {}) };
  const registry = object(facts["registry"]) ?? {};
  return {
    now: facts["now"] as number,
    synced: registry["synced"] === true,
    watermark: (registry["watermark"] ?? 0) as number,
    records: recordsOf(facts),
    peer: peerOf(request),
    query: queryOf(facts, request, proofOf),
  };
}

/** The kinds that this release decides. */
export const decidedKinds: ReadonlySet<string> = new Set(["connect", "publish", "subscribe", "command"]);

/** Rows of those kinds. */
export function decidedRows(rows: readonly Row[]): Row[] {
  return rows.filter((row) => decidedKinds.has(row.kind));
}
