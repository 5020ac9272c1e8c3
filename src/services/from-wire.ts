/** From our wire to the domain: requests become queries. Malformed ones become faults. */
import type { Actor, Approval, Credential } from "../decision/facts.ts";
import type { Evidence } from "../decision/identity.ts";
import type {
  CommandQuery,
  ConnectQuery,
  ConsumeQuery,
  OtaQuery,
  PublishQuery,
  Query,
  SignedToken,
  Subject,
  SubscribeQuery,
} from "../decision/query.ts";
import type * as wire from "../gen/sallyport/v1/decision.ts";
import { Fault } from "../runtime/fault.ts";

/** Limits on requests, beyond the size of a message. */
export interface RequestLimits {
  /** Filters of one subscribe. */
  readonly filters: number;
  /** Items of one batch. */
  readonly batch: number;
}

// A value that no check of the domain accepts stands for one that the wire left out or that is no QoS.
const absentTime = -1;
const absentQos = -1;

function credential(given: wire.Credential): Credential {
  const base = {
    type: given.type as Credential["type"],
    trust_domain: given.trust_domain,
    device_id: given.device_id,
    tenant: given.tenant,
    fingerprint: given.fingerprint,
    not_before: given.not_before ?? absentTime,
    not_after: given.not_after ?? absentTime,
    key_protection: (given.key_protection || "software") as Credential["key_protection"],
    usage: (given.usage || "telemetry") as Credential["usage"],
  };
  return given.claim === undefined ? base : { ...base, claim: given.claim };
}

function evidence(given: wire.Proof | undefined): Evidence | null {
  const proof = given?.proof;
  if (proof === undefined) return null;
  switch (proof.$case) {
    case "x509":
      return { type: "x509", chain: proof.value.certificates };
    case "jwt":
      return { type: "jwt", token: proof.value };
    case "secret":
      return { type: "secret", name: proof.value.name, secret: proof.value.secret };
    case "asserted":
      return { type: "asserted", credential: credential(proof.value) };
    default:
      return proof satisfies never;
  }
}

/** The subject of a request. Absent: nobody, which is denied. */
export function toSubject(given: wire.Subject | undefined): Subject {
  if (given === undefined) return { client_id: "", proof: null };
  const direct = { client_id: given.client_id, proof: evidence(given.proof) };
  if (given.via === undefined) return direct;
  const via = { gateway_id: given.via.gateway_id, proof: evidence(given.via.proof) };
  return { ...direct, device_id: given.device_id, via };
}

// The domain refuses any other QoS; the type says what it must be once it is accepted.
const qos = (given: number | undefined): 0 | 1 | 2 => (given ?? absentQos) as 0 | 1 | 2;

/** A connect question. */
export function toConnect(request: wire.CheckConnectRequest): ConnectQuery {
  const { will } = request;
  return {
    kind: "connect",
    subject: toSubject(request.subject),
    ...(request.device_time === undefined ? {} : { device_time: request.device_time }),
    ...(will === undefined ? {} : { will: { topic: will.topic, qos: qos(will.qos), retain: will.retain } }),
  };
}

/** A publish question. */
export function toPublish(request: wire.CheckPublishRequest): PublishQuery {
  const query: { -readonly [K in keyof PublishQuery]: PublishQuery[K] } = {
    kind: "publish",
    subject: toSubject(request.subject),
    topic: request.topic,
    qos: qos(request.qos),
    retain: request.retain,
  };
  if (request.occurred_at !== undefined) query.occurred_at = request.occurred_at;
  if (request.seq !== undefined) query.seq = request.seq;
  return query;
}

/** Subscribe questions, one per filter, sharing one subject. Throws `request_invalid`, `limit_exceeded`. */
export function toSubscribes(request: wire.CheckSubscribeRequest, limits: RequestLimits): SubscribeQuery[] {
  const { filters } = request;
  if (filters.length === 0)
    throw new Fault("request_invalid", "`filters` is empty; name at least one topic filter");
  if (filters.length > limits.filters) {
    throw new Fault(
      "limit_exceeded",
      `\`filters\` has ${filters.length} entries; at most ${limits.filters} are allowed`,
    );
  }
  const subject = toSubject(request.subject);
  return filters.map((each) => ({ kind: "subscribe", subject, filter: each.filter, qos: qos(each.qos) }));
}

function actor(given: wire.ActorProof | undefined): Actor | SignedToken | null {
  const proof = given?.proof;
  if (proof === undefined) return null;
  if (proof.$case === "token") return { token: proof.value };
  const { id, type, tenant, roles, mfa } = proof.value;
  return { id, type: type as Actor["type"], tenant, roles, mfa };
}

function approval(given: wire.ApprovalProof): (Approval | SignedToken)[] {
  const { proof } = given;
  if (proof === undefined) return [];
  return [proof.$case === "token" ? { token: proof.value } : proof.value];
}

/** A command question. */
export function toCommand(request: wire.CheckCommandRequest): CommandQuery {
  return {
    kind: "command",
    device_id: request.device_id,
    command: request.command,
    ...(request.via === "" ? {} : { via: request.via }),
    actor: actor(request.actor),
    approvals: request.approvals.flatMap(approval),
    break_glass: request.break_glass ?? null,
  };
}

/** An OTA question. */
export function toOta(request: wire.CheckUpdateRequest): OtaQuery {
  return { kind: "ota", device_id: request.device_id, release: request.release };
}

/** A back-end's question. */
export function toConsume(request: wire.CheckConsumeRequest): ConsumeQuery {
  return { kind: "consume", subject: toSubject(request.subject), filter: request.filter };
}

/** The questions of one batch item; several for a subscribe. Throws as the single calls do. */
export function toQueries(item: wire.BatchItem, limits: RequestLimits): readonly Query[] {
  const { check } = item;
  if (check === undefined)
    throw new Fault("request_invalid", "the item holds no check; set one of its kinds");
  switch (check.$case) {
    case "connect":
      return [toConnect(check.value)];
    case "publish":
      return [toPublish(check.value)];
    case "subscribe":
      return toSubscribes(check.value, limits);
    case "command":
      return [toCommand(check.value)];
    case "ota":
      return [toOta(check.value)];
    case "consume":
      return [toConsume(check.value)];
    default:
      return check satisfies never;
  }
}
