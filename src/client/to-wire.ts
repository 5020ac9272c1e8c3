/** Questions as messages of `sallyport.v1`. */
import type { Evidence, Identity } from "../decision/identity.ts";
import type {
  CommandQuery,
  ConnectQuery,
  ConsumeQuery,
  OtaQuery,
  PublishQuery,
  Query,
  Subject,
  SubscribeQuery,
} from "../decision/query.ts";
import type * as wire from "../gen/sallyport/v1/decision.ts";

function toWireCredential(credential: Identity["credential"]): wire.Credential {
  const { claim } = credential;
  return {
    type: credential.type,
    trust_domain: credential.trust_domain,
    device_id: credential.device_id,
    tenant: credential.tenant,
    fingerprint: credential.fingerprint,
    not_before: credential.not_before,
    not_after: credential.not_after,
    key_protection: credential.key_protection,
    usage: credential.usage,
    claim:
      claim === undefined
        ? undefined
        : { single_use: claim.single_use, used: claim.used, device_ids: [...claim.device_ids] },
  };
}

/** A proof; an identity that is proven already travels as an assertion, which the service may not accept. */
export function toWireProof(proof: Evidence | Identity): wire.Proof {
  if ("key" in proof) return { proof: { $case: "asserted", value: toWireCredential(proof.credential) } };
  switch (proof.type) {
    case "x509":
      return {
        proof: { $case: "x509", value: { certificates: [...proof.chain] } },
      };
    case "jwt":
      return { proof: { $case: "jwt", value: proof.token } };
    case "secret":
      return { proof: { $case: "secret", value: { name: proof.name, secret: proof.secret } } };
    case "asserted":
      return { proof: { $case: "asserted", value: toWireCredential(proof.credential) } };
    default:
      return proof satisfies never;
  }
}

/** A subject; `null` proofs are left out. */
export function toWireSubject(subject: Subject): wire.Subject {
  const { via } = subject;
  return {
    client_id: subject.client_id,
    proof: subject.proof === null ? undefined : toWireProof(subject.proof),
    device_id: subject.device_id ?? "",
    via:
      via === undefined
        ? undefined
        : { gateway_id: via.gateway_id, proof: via.proof === null ? undefined : toWireProof(via.proof) },
  };
}

/** `CheckConnect`. */
export function toWireConnect(query: ConnectQuery): wire.CheckConnectRequest {
  const { will } = query;
  return {
    subject: toWireSubject(query.subject),
    device_time: query.device_time,
    will: will === undefined ? undefined : { topic: will.topic, qos: will.qos, retain: will.retain },
  };
}

/** `CheckPublish`. */
export function toWirePublish(query: PublishQuery): wire.CheckPublishRequest {
  return {
    subject: toWireSubject(query.subject),
    topic: query.topic,
    qos: query.qos,
    retain: query.retain,
    occurred_at: query.occurred_at,
    seq: query.seq,
  };
}

/** `CheckSubscribe` of one filter. */
export function toWireSubscribe(query: SubscribeQuery): wire.CheckSubscribeRequest {
  return { subject: toWireSubject(query.subject), filters: [{ filter: query.filter, qos: query.qos }] };
}

/** `CheckCommand`. */
export function toWireCommand(query: CommandQuery): wire.CheckCommandRequest {
  return {
    device_id: query.device_id,
    command: query.command,
    via: query.via ?? "",
    actor: toWireActor(query.actor),
    approvals: query.approvals.map((approval) =>
      "token" in approval
        ? { proof: { $case: "token", value: approval.token } }
        : { proof: { $case: "asserted", value: { ...approval, roles: [...approval.roles] } } },
    ),
    break_glass: query.break_glass === null ? undefined : { ...query.break_glass },
  };
}

/** `CheckUpdate`. */
export function toWireOta(query: OtaQuery): wire.CheckUpdateRequest {
  return { device_id: query.device_id, release: query.release };
}

/** `CheckConsume`. */
export function toWireConsume(query: ConsumeQuery): wire.CheckConsumeRequest {
  return { subject: toWireSubject(query.subject), filter: query.filter };
}

function toWireActor(actor: CommandQuery["actor"]): wire.ActorProof | undefined {
  if (actor === null) return undefined;
  if ("token" in actor) return { proof: { $case: "token", value: actor.token } };
  return { proof: { $case: "asserted", value: { ...actor, roles: [...actor.roles] } } };
}

/** One item of a batch or of `Explain`. */
export function toWireItem(query: Query): wire.BatchItem {
  switch (query.kind) {
    case "connect":
      return { check: { $case: "connect", value: toWireConnect(query) } };
    case "publish":
      return { check: { $case: "publish", value: toWirePublish(query) } };
    case "subscribe":
      return { check: { $case: "subscribe", value: toWireSubscribe(query) } };
    case "command":
      return { check: { $case: "command", value: toWireCommand(query) } };
    case "ota":
      return { check: { $case: "ota", value: toWireOta(query) } };
    case "consume":
      return { check: { $case: "consume", value: toWireConsume(query) } };
    default:
      return query satisfies never;
  }
}
