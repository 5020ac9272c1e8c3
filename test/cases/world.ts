/** A row's world: the records, the peer, the proof and the question that its facts describe. */
import type {
  Actor,
  Approval,
  BreakGlass,
  Credential,
  RecordKey,
  RecordKind,
} from "../../src/decision/facts.ts";
import type { Evidence, Identity, Peer } from "../../src/decision/identity.ts";
import type { Query, Subject, Will } from "../../src/decision/query.ts";
import { bucketOf } from "../../src/pdp/bucket.ts";
import type { Json, Row } from "./table.ts";

/** A record to be stored. */
export interface WorldRecord {
  readonly key: RecordKey;
  readonly kind: RecordKind;
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
  records.push(...campaign(facts), ...backEnd(facts));
  if (device !== undefined) {
    const id = String(device["id"] ?? object(facts["request"])?.["client_id"]);
    add("device", id, isOta(facts) ? registered(device, facts) : device);
    const floor = object(facts["fw_policy"]);
    const place = { tenant: device["tenant"], class: device["class"] };
    if (floor !== undefined) add("firmware_policy", `${place.tenant}/${place.class}`, { ...floor, ...place });
  }
  return records;
}

const isOta = (facts: Json): boolean => object(facts["request"])?.["kind"] === "ota";

/** The device of an OTA question: what the row says of its credential is what the registry knows of it. */
function registered(device: Json, facts: Json): Json {
  const credential = object(facts["credential"]);
  const credentials = object(device["credentials"]);
  const fingerprint = String(credential?.["fingerprint"]);
  const entry = object(credentials?.[fingerprint]);
  if (credential === undefined || credentials === undefined || entry === undefined) return device;
  const known = ["type", "not_before", "not_after", "key_protection"].filter((name) => name in credential);
  const stated = Object.fromEntries(known.map((name) => [name, credential[name]]));
  return { ...device, credentials: { ...credentials, [fingerprint]: { ...entry, ...stated } } };
}

/** The record of a row's back-end: its roles are what the row says of the actor. */
function backEnd(facts: Json): WorldRecord[] {
  const service = object(facts["service"]);
  if (service === undefined) return [];
  const stored = { bound_at: 0, last_used_at: 0, devices: 1 };
  const credentials = Object.fromEntries(
    Object.entries(object(service["credentials"]) ?? {}).map(([name, each]) => [
      name,
      { ...stored, ...(object(each) ?? {}) },
    ]),
  );
  const roles = object(facts["actor"])?.["roles"];
  return [
    {
      key: `service:${String(service["id"])}`,
      kind: "service",
      record: { ...service, credentials, ...(roles === undefined ? {} : { roles }) },
    },
  ];
}

const salts = new Map<string, string>();

/** A rollout id under which the device falls into the bucket that its row says: the host computes it. */
function saltFor(rollout: string, device: string, bucket: number): string {
  const key = `${rollout}|${device}|${bucket}`;
  for (let i = 0; !salts.has(key) && i < 1_000_000; i++)
    if (bucketOf(`${rollout}-${i}`, device) === bucket) salts.set(key, `${rollout}-${i}`);
  return salts.get(key) ?? rollout;
}

/** The release and the rollout of a row, as records. */
function campaign(facts: Json): WorldRecord[] {
  const release = object(facts["release"]);
  const rollout = object(facts["rollout"]);
  const device = object(facts["device"]);
  const bucket = object(device?.["ota"])?.["bucket"];
  const wished = Number.isSafeInteger(bucket) && (bucket as number) >= 0 && (bucket as number) < 10_000;
  const told = rollout?.["id"];
  const id =
    wished && typeof told === "string"
      ? saltFor(told, String(device?.["id"]), bucket as number)
      : (told as string);
  const records: WorldRecord[] = [];
  if (rollout !== undefined)
    records.push({ key: `rollout:${id}`, kind: "rollout", record: { ...rollout, id } });
  if (release !== undefined) {
    const record: Json = { ...release, ...(rollout === undefined ? {} : { rollout: id }) };
    records.push({ key: `release:${String(release["id"])}`, kind: "release", record });
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
  const own = object(facts["gateway_credential"]) as Credential | undefined;
  const gatewayProof = own === undefined ? null : proofOf(own);
  return { ...base, device_id: deviceId, via: { gateway_id: String(request["via"]), proof: gatewayProof } };
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
    case "ota":
      return {
        kind: "ota",
        device_id: String(object(facts["device"])?.["id"] ?? request["client_id"]),
        release: object(facts["release"]) === undefined ? "" : String(object(facts["release"])?.["id"]),
      };
    case "consume":
      return {
        kind: "consume",
        subject: subjectOf(facts, request, proofOf),
        filter: (request["filter"] ?? "") as string,
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
    records: recordsOf({ ...facts, request }),
    peer: peerOf(request),
    query: queryOf(facts, request, proofOf),
  };
}

/** The kinds that this release decides. */
export const decidedKinds: ReadonlySet<string> = new Set([
  "connect",
  "publish",
  "subscribe",
  "command",
  "ota",
  "consume",
]);

/** Rows of those kinds. */
export function decidedRows(rows: readonly Row[]): Row[] {
  return rows.filter((row) => decidedKinds.has(row.kind));
}
