/** What EMQX asks as questions. */
import { X509Certificate } from "node:crypto";
import type { Evidence } from "../../decision/identity.ts";
import { loginEvidence } from "../../enforcement/broker-door.ts";

/** What is read of a request; the names are those of the template variables. */
export interface EmqxRequest {
  readonly clientId: string;
  readonly username: string;
  readonly address: string;
  readonly evidence: Evidence | null;
  readonly action: string;
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

const text = (value: unknown): string => (typeof value === "string" && value !== "undefined" ? value : "");

function toQos(value: unknown): 0 | 1 | 2 {
  const qos = Number(value);
  return qos === 0 || qos === 1 ? qos : 2;
}

function evidenceIn(given: Record<string, unknown>): Evidence | null {
  const pem = text(given["cert_pem"]);
  if (pem !== "") return { type: "x509", chain: [new X509Certificate(pem).raw] };
  return loginEvidence(text(given["username"]), text(given["password"]));
}

/** Reads the JSON of a request. Throws where it is none, or the certificate is unreadable. */
export function toRequest(body: Uint8Array): EmqxRequest {
  const given = JSON.parse(Buffer.from(body).toString("utf8")) as Record<string, unknown>;
  const { qos, retain } = given;
  return {
    clientId: text(given["clientid"]),
    username: text(given["username"]),
    address: text(given["peerhost"]),
    evidence: evidenceIn(given),
    action: text(given["action"]),
    topic: text(given["topic"]),
    // What is not told is taken for the most that could be meant.
    qos: qos === undefined ? 2 : toQos(qos),
    retain: !(retain === false || retain === "false"),
  };
}
