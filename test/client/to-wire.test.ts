import { describe, expect, it } from "vitest";
import { toWireConnect, toWireItem, toWireProof, toWireSubject } from "../../src/client/to-wire.ts";
import type { Credential } from "../../src/decision/facts.ts";
import type { CommandQuery } from "../../src/decision/query.ts";
import { BatchItem, Proof } from "../../src/gen/sallyport/v1/decision.ts";

const credential: Credential = {
  type: "claim",
  trust_domain: "prod.devices.acme.example",
  device_id: "meter-001",
  tenant: "acme",
  fingerprint: "sha256:00",
  not_before: 0,
  not_after: 2_000_000_000,
  key_protection: "tpm",
  usage: "control",
  claim: { single_use: true, used: false, device_ids: ["meter-001"] },
};

describe("proofs on the wire", () => {
  it("keep every kind of evidence", () => {
    const chain = [new Uint8Array([1, 2]), new Uint8Array([3])];
    const through = (proof: Proof): Proof => Proof.decode(Proof.encode(proof).finish());
    expect(through(toWireProof({ type: "x509", chain })).proof).toEqual({
      $case: "x509",
      value: { certificates: chain },
    });
    expect(through(toWireProof({ type: "jwt", token: "a.b.c" })).proof).toEqual({
      $case: "jwt",
      value: "a.b.c",
    });
    expect(through(toWireProof({ type: "secret", name: "n", secret: "s" })).proof).toEqual({
      $case: "secret",
      value: { name: "n", secret: "s" },
    });
    expect(through(toWireProof({ type: "asserted", credential })).proof).toEqual({
      $case: "asserted",
      value: credential,
    });
  });

  it("send an identity that was proven in process as an assertion", () => {
    expect(toWireProof({ key: "k", credential })).toEqual(toWireProof({ type: "asserted", credential }));
  });
});

describe("subjects on the wire", () => {
  it("leave out a proof that is null, and keep the gateway with its own", () => {
    expect(toWireSubject({ client_id: "meter-001", proof: null })).toEqual({
      client_id: "meter-001",
      proof: undefined,
      device_id: "",
      via: undefined,
    });
    const proof = { type: "jwt", token: "t" } as const;
    expect(
      toWireSubject({ client_id: "", proof: null, device_id: "leaf", via: { gateway_id: "gw", proof } }),
    ).toEqual({
      client_id: "",
      proof: undefined,
      device_id: "leaf",
      via: { gateway_id: "gw", proof: { proof: { $case: "jwt", value: "t" } } },
    });
  });

  it("keep a will and the device's clock", () => {
    const will = { topic: "t", qos: 2, retain: true } as const;
    const subject = { client_id: "m", proof: null };
    expect(toWireConnect({ kind: "connect", subject, will, device_time: 5 })).toMatchObject({
      will,
      device_time: 5,
    });
    expect(toWireConnect({ kind: "connect", subject }).will).toBeUndefined();
  });
});

describe("a command on the wire", () => {
  it("keeps actor, approvals and break-glass, asserted or signed", () => {
    const query: CommandQuery = {
      kind: "command",
      device_id: "meter-001",
      command: "reboot",
      via: "gw",
      actor: { id: "ada", type: "human", tenant: "acme", roles: ["operator"], mfa: true },
      approvals: [{ token: "t" }, { by: "bob", roles: ["safety"], expires_at: 9 }],
      break_glass: { ticket: "T-1", started_at: 1, expires_at: 2 },
    };
    const item = BatchItem.decode(BatchItem.encode(toWireItem(query)).finish());
    expect(item.check).toEqual({
      $case: "command",
      value: {
        device_id: "meter-001",
        command: "reboot",
        via: "gw",
        actor: { proof: { $case: "asserted", value: query.actor } },
        approvals: [
          { proof: { $case: "token", value: "t" } },
          { proof: { $case: "asserted", value: { by: "bob", roles: ["safety"], expires_at: 9 } } },
        ],
        break_glass: query.break_glass,
      },
    });
  });
});
