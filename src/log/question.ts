import type { Credential } from "../decision/facts.ts";
import type { Evidence, Identity } from "../decision/identity.ts";
import type { Query, Subject } from "../decision/query.ts";

/** Longest text taken from a question, in UTF-16 units: questions that are refused for their size are logged too. */
const longest = 1024;

function clip(text: string): string;
function clip(text: string | undefined): string | undefined;
function clip(text: string | undefined): string | undefined {
  return text === undefined || text.length <= longest ? text : `${text.slice(0, longest)}…`;
}

/** What may be said of a proof. INVARIANT: tokens, secrets and the names that come with secrets are never logged. */
function describeProof(proof: Evidence | Identity | null): object | null {
  if (proof === null) return null;
  if (!("type" in proof)) return describeCredential(proof.credential);
  return proof.type === "asserted" ? describeCredential(proof.credential) : { type: proof.type };
}

function describeCredential({ type, trust_domain, device_id, tenant, fingerprint }: Credential): object {
  return {
    type,
    trust_domain: clip(trust_domain),
    device_id: clip(device_id),
    tenant: clip(tenant),
    fingerprint: clip(fingerprint),
  };
}

function deviceOf({ device_id, proof }: Subject): string | undefined {
  if (device_id !== undefined) return clip(device_id);
  if (proof === null) return undefined;
  if (!("type" in proof)) return clip(proof.credential.device_id);
  return proof.type === "asserted" ? clip(proof.credential.device_id) : undefined;
}

function ofSubject(subject: Subject, request: object): object {
  const id = deviceOf(subject);
  return {
    request: { ...request, client_id: clip(subject.client_id), via: clip(subject.via?.gateway_id) },
    ...(id === undefined ? {} : { device: { id } }),
    credential: describeProof(subject.proof),
  };
}

/**
 * A question in the words of the policy input, at the same paths, so that masks apply to it as well. It holds
 * neither secrets nor payloads, and refers to nothing of the query that could keep either in memory.
 */
export function describeQuestion(query: Query): object {
  const { kind } = query;
  switch (kind) {
    case "connect": {
      const will = query.will && {
        topic: clip(query.will.topic),
        qos: query.will.qos,
        retain: query.will.retain,
      };
      return ofSubject(query.subject, { kind, device_time: query.device_time, will });
    }
    case "publish":
      return ofSubject(query.subject, {
        kind,
        topic: clip(query.topic),
        qos: query.qos,
        retain: query.retain,
        occurred_at: query.occurred_at,
        seq: query.seq,
      });
    case "subscribe":
      return ofSubject(query.subject, { kind, filter: clip(query.filter), qos: query.qos });
    case "command": {
      const { actor } = query;
      return {
        request: { kind, command: clip(query.command), via: clip(query.via) },
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
