/** What nats-server asks at a connect. */
import { X509Certificate } from "node:crypto";
import type { Evidence } from "../../decision/identity.ts";
import { loginEvidence } from "../../enforcement/broker-door.ts";
import type { Arrival } from "../../enforcement/enforcement-point.ts";
import { readJwt } from "./jwt.ts";

/** An authorization request (ADR-26), as far as it is read. */
export interface AuthRequest {
  readonly serverId: string;
  readonly userNkey: string;
  readonly arrival: Arrival;
}

type Json = Readonly<Record<string, unknown>>;
const object = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
const text = (value: unknown): string => (typeof value === "string" ? value : "");

function chainOf(tls: Json): readonly Uint8Array[] {
  const chains = tls["verified_chains"];
  const [chain] = Array.isArray(chains) ? (chains as unknown[]) : [];
  const shown = Array.isArray(chain) ? chain : tls["certs"];
  return Array.isArray(shown) ? shown.map((pem) => new X509Certificate(text(pem)).raw) : [];
}

/**
 * Reads a request; `undefined` where it is none or its server did not sign it. An MQTT client is its client id, a NATS
 * client its connection name, or its user where it has none.
 */
export function toRequest(token: string): AuthRequest | undefined {
  const claim = readJwt(token);
  if (claim === undefined || claim["aud"] !== "nats-authorization-request") return undefined;
  const nats = object(claim["nats"]);
  const server = object(nats["server_id"]);
  const info = object(nats["client_info"]);
  const options = object(nats["connect_opts"]);
  const serverId = text(server["id"]);
  const userNkey = text(nats["user_nkey"]);
  if (serverId === "" || serverId !== claim["iss"] || userNkey === "") return undefined;
  const username = text(options["user"]);
  const clientId = info["type"] === "mqtt" ? text(info["mqtt_id"]) : text(options["name"]) || username;
  const chain = chainOf(object(nats["client_tls"]));
  const evidence: Evidence | null =
    chain.length > 0
      ? { type: "x509", chain }
      : loginEvidence(username, text(options["pass"]) || text(options["auth_token"]));
  const { id } = info;
  // Unlike an MQTT client, a NATS client may connect under one name as often as it likes.
  const copy = info["type"] === "mqtt" || typeof id !== "number" ? {} : { copy: `${serverId} ${id}` };
  return {
    serverId,
    userNkey,
    arrival: {
      names: {
        clientId,
        username,
        server: serverId,
        ...(typeof id === "number" ? { connection: id } : {}),
        ...copy,
      },
      evidence,
      address: text(info["host"]),
    },
  };
}
