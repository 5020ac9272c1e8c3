/** From a subject and its proofs to a session: which device this is, on whose word, through which gateway. */
import type { Credential } from "../decision/facts.ts";
import type { Evidence, Identity, Peer } from "../decision/identity.ts";
import { isSafeId } from "../decision/ids.ts";
import type { Subject } from "../decision/query.ts";
import type { DenyReason } from "../decision/reasons.ts";

/** The outcome of a proof; `identity/` provides it. */
export type ProofResult = { readonly identity: Identity } | { readonly refused: string };

/** Verifies evidence; synchronous when it has verified the same evidence before. */
export interface IdentityProver {
  prove(evidence: Evidence, peer: Peer): ProofResult | Promise<ProofResult>;
}

/** A gateway that carries the traffic: proven, or vouched for by a peer that may. */
export interface SessionGateway {
  readonly id: string;
  readonly identity: Identity | "asserted";
}

/** A proven subject under a peer. `key` names everything that its answers depend on besides facts and question. */
export interface Session {
  readonly key: string;
  readonly peer: Peer;
  readonly clientId: string;
  readonly deviceId: string;
  /** `undefined`: the gateway's word is the proof, its facts are joined from the device's record. */
  readonly identity: Identity | undefined;
  readonly gateway: SessionGateway | undefined;
  /** Whether the subject may keep it for its next question. */
  readonly lasting: boolean;
  /** Where the core finds what it remembers of a lasting session; nobody else looks. */
  remembered: unknown;
  /** Whose slot on the subject it lies in, if any. */
  keeper: unknown;
}

/** Why there is no session. */
export interface NoSession {
  readonly reason: DenyReason;
  readonly detail: string;
}

/** A session, or the denial that stands for it. */
export type Resolution = Session | NoSession;

/** Whether a resolution is a session. */
export function isSession(resolution: Resolution): resolution is Session {
  return "peer" in resolution;
}

function isIdentity(proof: Evidence | Identity): proof is Identity {
  return "key" in proof;
}

function proveWith(
  prover: IdentityProver,
  proof: Evidence | Identity,
  peer: Peer,
): ProofResult | Promise<ProofResult> {
  return isIdentity(proof) ? { identity: proof } : prover.prove(proof, peer);
}

/** What is proven stays proven; evidence is looked at again, since the trust in it may have changed. */
function isLasting(proof: Evidence | Identity | null): boolean {
  return proof === null || isIdentity(proof);
}

const lengthPrefixed = (part: string): string => `${part.length}:${part}`;

/** The device a credential speaks for: the one bound into it, or for shared secrets and claims the client id. */
function boundDevice(credential: Credential, clientId: string): string {
  return credential.type === "shared_token" || credential.type === "claim" ? clientId : credential.device_id;
}

function direct(peer: Peer, subject: Subject, proof: ProofResult): Resolution {
  if ("refused" in proof) return { reason: "credential_missing", detail: proof.refused };
  const { identity } = proof;
  // An empty client id would leave the binding unchecked [MQTT-3.1.3-6 lets a server assign one].
  if (subject.client_id === "") return { reason: "bad_request", detail: "the client id is empty" };
  const deviceId = boundDevice(identity.credential, subject.client_id);
  if (!isSafeId(deviceId))
    return { reason: "bad_request", detail: "the device id is empty or holds forbidden characters" };
  return {
    keeper: undefined,
    remembered: undefined,
    lasting: isLasting(subject.proof),
    peer,
    key: `${peer.name}|${identity.key}|${lengthPrefixed(subject.client_id)}`,
    clientId: subject.client_id,
    deviceId,
    identity,
    gateway: undefined,
  };
}

function mediated(
  peer: Peer,
  subject: Subject,
  via: NonNullable<Subject["via"]>,
  gatewayProof: ProofResult | undefined,
  ownProof: ProofResult | undefined,
): Resolution {
  const deviceId = subject.device_id ?? "";
  if (!isSafeId(deviceId))
    return { reason: "bad_request", detail: "a gateway must name the device it speaks for" };
  if (!isSafeId(via.gateway_id))
    return { reason: "bad_request", detail: "the gateway id is empty or holds forbidden characters" };
  let gateway: SessionGateway;
  if (gatewayProof !== undefined && "identity" in gatewayProof) {
    const { identity } = gatewayProof;
    if (identity.credential.device_id !== via.gateway_id) {
      return { reason: "gateway_not_authorized", detail: "the gateway's credential names another device" };
    }
    gateway = { id: via.gateway_id, identity };
  } else if (gatewayProof === undefined && peer.may_assert.includes("gateway")) {
    gateway = { id: via.gateway_id, identity: "asserted" };
  } else {
    const detail = gatewayProof === undefined ? "the gateway gave no proof" : gatewayProof.refused;
    return { reason: "gateway_not_authorized", detail };
  }
  if (ownProof !== undefined && "refused" in ownProof)
    return { reason: "credential_missing", detail: ownProof.refused };
  const identity = ownProof?.identity;
  if (
    identity !== undefined &&
    boundDevice(identity.credential, subject.client_id || deviceId) !== deviceId
  ) {
    return { reason: "credential_binding_mismatch", detail: "the credential names another device" };
  }
  const gatewayKey = gateway.identity === "asserted" ? "asserted" : gateway.identity.key;
  return {
    keeper: undefined,
    remembered: undefined,
    lasting: isLasting(via.proof) && isLasting(subject.proof),
    peer,
    key: [
      peer.name,
      identity?.key ?? "gateway",
      lengthPrefixed(subject.client_id),
      lengthPrefixed(deviceId),
      lengthPrefixed(via.gateway_id),
      gatewayKey,
    ].join("|"),
    clientId: subject.client_id === "" ? deviceId : subject.client_id,
    deviceId,
    identity,
    gateway,
  };
}

/** Resolves a subject. Synchronous whenever its proofs are already verified. Never rejects. */
export function resolveSession(
  prover: IdentityProver,
  subject: Subject,
  peer: Peer,
): Resolution | Promise<Resolution> {
  if (subject.client_id !== "" && !isSafeId(subject.client_id)) {
    return { reason: "bad_request", detail: "the client id holds forbidden characters" };
  }
  const { via } = subject;
  if (via === undefined) {
    if (subject.proof === null)
      return { reason: "credential_missing", detail: "no proof of identity was given" };
    const proof = proveWith(prover, subject.proof, peer);
    return proof instanceof Promise
      ? proof.then((done) => direct(peer, subject, done))
      : direct(peer, subject, proof);
  }
  const gatewayProof = via.proof === null ? undefined : proveWith(prover, via.proof, peer);
  const ownProof = subject.proof === null ? undefined : proveWith(prover, subject.proof, peer);
  if (gatewayProof instanceof Promise || ownProof instanceof Promise) {
    return Promise.all([gatewayProof, ownProof]).then(([gateway, own]) =>
      mediated(peer, subject, via, gateway, own),
    );
  }
  return mediated(peer, subject, via, gatewayProof, ownProof);
}
