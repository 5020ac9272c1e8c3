import { ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConnectOptions, connect } from "../../src/client/client.ts";
import type { Decision } from "../../src/decision/decision.ts";
import { makeAuthority } from "../certificates.ts";
import { serve, type TestService, wireAllow } from "./service.ts";

const authority = makeAuthority("brokers");
const stranger = makeAuthority("stranger");
const server = authority.issue({ cn: "pdp", dns: ["pdp.example"], ips: ["127.0.0.1"] });
const broker = authority.issue({ spiffe: "spiffe://acme.example/broker/1" });

let service: TestService;

beforeAll(async () => {
  const pair = { private_key: Buffer.from(server.keyPem), cert_chain: Buffer.from(server.pem) };
  const credentials = ServerCredentials.createSsl(Buffer.from(authority.pem), [pair], true);
  service = await serve({ checkPublish: () => ({ decision: wireAllow() }) }, credentials);
});

afterAll(() => service[Symbol.asyncDispose]());

async function ask(tls: ConnectOptions["tls"]): Promise<Decision> {
  const client = connect({ address: service.address, ...(tls === undefined ? {} : { tls }) });
  try {
    const subject = { client_id: "meter-001", proof: null };
    return await client.decide({ kind: "publish", subject, topic: "t", qos: 0, retain: false });
  } finally {
    await client[Symbol.asyncDispose]();
  }
}

describe("a client over mutual TLS", () => {
  const own = { cert: broker.pem, key: broker.keyPem };

  it("is answered", async () => {
    expect(await ask({ ca: authority.pem, ...own })).toMatchObject({ allow: true });
    expect(await ask({ ca: authority.pem, ...own, serverName: "pdp.example" })).toMatchObject({
      allow: true,
    });
  });

  it("takes no allow from a service of another authority or name, nor without its own certificate", async () => {
    const refused = [
      { ca: stranger.pem, ...own },
      { ca: authority.pem, ...own, serverName: "other.example" },
      { ca: authority.pem },
      undefined,
    ];
    for (const tls of refused) {
      expect(await ask(tls)).toMatchObject({ allow: false, reason: "internal_error", retry: "backoff" });
    }
  });
});
