/** What nats-server asks and does with the answer, as far as permissions go: signed requests in, signed users out. */
import { createAccount, createServer, createUser, fromPublic, fromSeed } from "@nats-io/nkeys";
import { natsCallout } from "../../src/adapters/nats/nats.ts";
import type { BrokerDoor } from "../../src/enforcement/broker-door.ts";

const server = createServer();
const user = createUser();
export const issuer = createAccount();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export interface Claim {
  readonly sub: string;
  readonly aud: string;
  readonly iss: string;
  readonly exp?: number;
  readonly name?: string;
  readonly nats: Record<string, unknown>;
}

/** Signs as a server does, with another implementation of the keys than the adapter's. */
export function signed(claim: object, seed: Uint8Array = server.getSeed()): string {
  const data = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part(claim)}`;
  return `${data}.${Buffer.from(fromSeed(seed).sign(Buffer.from(data))).toString("base64url")}`;
}

/** Reads a JWT whose issuer signed it; throws where it did not. */
export function verified(token: string): Claim {
  const [head = "", body = "", signature = ""] = token.split(".");
  const claim = JSON.parse(Buffer.from(body, "base64url").toString()) as Claim;
  if (!fromPublic(claim.iss).verify(Buffer.from(`${head}.${body}`), Buffer.from(signature, "base64url")))
    throw new Error("the signature is wrong");
  return claim;
}

/** A request for an MQTT client, signed by `seed`. */
export function requestOf(id: string, password: string, seed?: Uint8Array): string {
  const nats = {
    server_id: { id: server.getPublicKey(), name: "test" },
    user_nkey: user.getPublicKey(),
    client_info: { id: 7, host: "10.0.0.1", type: "mqtt", mqtt_id: id },
    connect_opts: { user: id, pass: password },
    type: "authorization_request",
    version: 2,
  };
  const claim = { aud: "nats-authorization-request", iss: server.getPublicKey(), sub: "x", nats };
  return signed(claim, seed);
}

/** Whether a subject pattern covers another. */
function covers(pattern: string, subject: string): boolean {
  const [wide, narrow] = [pattern.split("."), subject.split(".")];
  for (let i = 0; i < wide.length; i++) {
    if (wide[i] === ">") return narrow.length > i;
    if (narrow[i] === undefined || (wide[i] !== "*" && wide[i] !== narrow[i])) return false;
  }
  return wide.length === narrow.length;
}

/** One server with one client. */
export function natsServerBehind(door: BrokerDoor) {
  const callout = natsCallout({ door, issuerSeed: text(issuer.getSeed()), account: "APP" });
  let given: Claim | undefined;
  const permits = (kind: "pub" | "sub", subjects: readonly string[]): boolean => {
    // The server ends the connection when its JWT does.
    if (given === undefined || (given.exp ?? 0) <= door.now()) return false;
    const { allow = [">"], deny = [] } = given.nats[kind] as { allow?: string[]; deny?: string[] };
    return subjects.every(
      (subject) => allow.some((each) => covers(each, subject)) && !deny.some((each) => covers(each, subject)),
    );
  };
  return {
    callout,
    /** The user that the client became; `undefined`: refused. */
    get user(): Claim | undefined {
      return given;
    },
    async connect(id: string, password: string): Promise<boolean> {
      given = undefined;
      const answer = text(await callout.answer(Buffer.from(requestOf(id, password)), () => ""));
      if (answer === "") return false;
      const response = verified(answer);
      const { jwt } = response.nats;
      // nats-server refuses an answer for anybody else, or by anybody else.
      if (response.iss !== issuer.getPublicKey() || response.aud !== server.getPublicKey()) return false;
      if (response.sub !== user.getPublicKey() || typeof jwt !== "string") return false;
      const claim = verified(jwt);
      if (claim.iss !== issuer.getPublicKey() || claim.sub !== user.getPublicKey()) return false;
      given = claim;
      return true;
    },
    /** The server ends the connection. */
    kicked(): void {
      given = undefined;
    },
    publish: async (subject: string): Promise<boolean> => permits("pub", [subject]),
    subscribe: async (...subjects: string[]): Promise<boolean> => permits("sub", subjects),
  };
}
