import type { Credential } from "../decision/facts.ts";
import type { Evidence, Identity } from "../decision/identity.ts";
import type { Query, Subject } from "../decision/query.ts";

/** Longest text taken from a question, in UTF-16 units: questions that are refused for their size are logged too. */
const longest = 1024;

function clip(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}

function clipped(text: string | undefined): string | undefined {
  return text === undefined ? undefined : clip(text);
}

/** A proof or claim of a credential, where it was verified or vouched for. */
function credentialOf(proof: Evidence | Identity | null): Credential | undefined {
  if (proof === null) return undefined;
  if (!("type" in proof)) return proof.credential;
  return proof.type === "asserted" ? proof.credential : undefined;
}

/** What may be said of a proof. INVARIANT: tokens, secrets and the names that come with secrets are never logged. */
function describeProof(proof: Evidence | Identity | null, credential: Credential | undefined): object | null {
  if (credential === undefined) return proof === null || !("type" in proof) ? null : { type: proof.type };
  return {
    type: credential.type,
    trust_domain: clip(credential.trust_domain),
    device_id: clip(credential.device_id),
    tenant: clip(credential.tenant),
    fingerprint: clip(credential.fingerprint),
  };
}

function ofSubject(subject: Subject, request: object): object {
  const credential = credentialOf(subject.proof);
  const id = subject.device_id ?? credential?.device_id;
  return {
    request,
    device: id === undefined ? undefined : { id: clip(id) },
    credential: describeProof(subject.proof, credential),
  };
}

/**
 * A question in the words of the policy input, at the same paths, so that masks apply to it as well. It holds
 * neither secrets nor payloads, and refers to nothing of the query that could keep either in memory. Absent
 * members are `undefined`, which JSON leaves out.
 */
export function describeQuestion(query: Query): object {
  const { kind } = query;
  switch (kind) {
    case "connect":
      return ofSubject(query.subject, {
        kind,
        client_id: clip(query.subject.client_id),
        via: clipped(query.subject.via?.gateway_id),
        device_time: query.device_time,
        will: query.will && { topic: clip(query.will.topic), qos: query.will.qos, retain: query.will.retain },
      });
    case "publish":
      return ofSubject(query.subject, {
        kind,
        client_id: clip(query.subject.client_id),
        via: clipped(query.subject.via?.gateway_id),
        topic: clip(query.topic),
        qos: query.qos,
        retain: query.retain,
        occurred_at: query.occurred_at,
        seq: query.seq,
      });
    case "subscribe":
      return ofSubject(query.subject, {
        kind,
        client_id: clip(query.subject.client_id),
        via: clipped(query.subject.via?.gateway_id),
        filter: clip(query.filter),
        qos: query.qos,
      });
    case "consume":
      return ofSubject(query.subject, {
        kind,
        client_id: clip(query.subject.client_id),
        filter: clip(query.filter),
      });
    case "ota":
      return {
        request: { kind },
        device: { id: clip(query.device_id) },
        release: query.release === "" ? undefined : { id: clip(query.release) },
      };
    case "command": {
      const { actor } = query;
      return {
        request: { kind, command: clip(query.command), via: clipped(query.via) },
        device: { id: clip(query.device_id) },
        actor:
          actor === null || "token" in actor
            ? null
            : { id: clip(actor.id), type: actor.type, tenant: clip(actor.tenant) },
        approvals: query.approvals.length,
        break_glass: query.break_glass !== null,
      };
    }
  }
}
