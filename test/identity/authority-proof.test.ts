import { describe, expect, it } from "vitest";
import { clockAtNow, proverOf } from "./provers.ts";
import { makeIssuer } from "./tokens.ts";

const issuer = await makeIssuer("people");
const other = await makeIssuer("people");
const clock = clockAtNow();
const now = clock.now();
const actors = { issuer: "https://people.example", audience: "sallyport", jwks: issuer.jwks };
const prover = proverOf({ actors }, clock);
const alice = {
  iss: actors.issuer,
  aud: actors.audience,
  sub: "alice",
  tenant: "acme",
  roles: ["operator"],
  amr: ["pwd", "mfa"],
  iat: now,
  exp: now + 600,
};
const command = { actor: "alice", tenant: "acme", device_id: "meter-001", command: "reboot" };
const bob = { ...alice, sub: "bob", roles: ["safety"], approval: command };

const actorOf = async (changed: object, by = issuer) =>
  prover.proveActor(await by.sign({ ...alice, ...changed }));
const refused = async (changed: object, by = issuer) => {
  const proven = await actorOf(changed, by);
  return "refused" in proven ? proven.refused : "";
};
const approvalOf = async (changed: object, target = command) =>
  prover.proveApproval(await issuer.sign({ ...bob, ...changed }), target);

describe("an actor token", () => {
  it("names a person or service with roles, tenant and second factor", async () => {
    expect(await actorOf({})).toEqual({
      actor: { id: "alice", type: "human", tenant: "acme", roles: ["operator"], mfa: true },
      break_glass: null,
    });
    expect(
      await actorOf({ tenant: "*", actor_type: "service", amr: undefined, roles: undefined }),
    ).toMatchObject({
      actor: { type: "service", tenant: "*", roles: [], mfa: false },
    });
  });

  it("may declare an emergency", async () => {
    const break_glass = { ticket: "INC-7", started_at: now - 60, expires_at: now + 600 };
    expect(await actorOf({ break_glass })).toMatchObject({ break_glass });
    expect(await refused({ break_glass: { ticket: "INC-7", started_at: now } })).toMatch(/break_glass/);
    expect(await refused({ break_glass: "now" })).toMatch(/not an object/);
  });

  it("is refused when it is expired, not yet valid, or says too little", async () => {
    expect(await refused({ exp: now })).toBe("the token has expired");
    expect(await refused({ exp: undefined })).toMatch(/no `exp`/);
    expect(await refused({ nbf: now + 60 })).toMatch(/not valid yet/);
    expect(await refused({ iat: now + 60 })).toMatch(/not valid yet/);
    expect(await refused({ sub: "" })).toMatch(/`sub`/);
    expect(await refused({ tenant: undefined })).toMatch(/no tenant/);
    expect(await refused({ tenant: "a+b" })).toMatch(/no tenant/);
    expect(await refused({ roles: "operator" })).toMatch(/not a list/);
    expect(await refused({ roles: ["a b"] })).toMatch(/role/);
    expect(await refused({ amr: [1] })).toMatch(/not a list/);
    expect(await refused({ actor_type: "robot" })).toMatch(/neither human nor service/);
  });

  it("is refused when somebody else signed it, or for somebody else", async () => {
    expect(await refused({}, other)).toMatch(/signature/);
    expect(await refused({ aud: "elsewhere" })).toMatch(/another audience/);
    expect(await refused({ iss: "elsewhere" })).toMatch(/another issuer/);
    expect(await proverOf({}).proveActor("x")).toEqual({
      refused: "no issuer of actor tokens is configured",
    });
    expect(await prover.proveActor("x".repeat(20_000))).toEqual({ refused: "the token is too long" });
  });

  it("is never an approval: whoever holds one would be the approver", async () => {
    expect(await refused({ approval: command })).toMatch(/an approval and names no actor/);
    expect(await refused({ approval: null })).toMatch(/an approval and names no actor/);
  });

  it("cannot come from an issuer of device tokens", () => {
    const { issuer: iss, audience, jwks } = actors;
    expect(() => proverOf({ actors, trustDomains: [{ name: "x", issuer: iss, audience, jwks }] })).toThrow(
      /a device's token would pass for a person's/,
    );
  });
});

describe("an approval", () => {
  it("is the consent of another person to exactly this command", async () => {
    expect(await approvalOf({})).toEqual({ by: "bob", roles: ["safety"], expires_at: now + 600 });
    for (const change of [
      { actor: "mallory" },
      { tenant: "other" },
      { device_id: "meter-002" },
      { command: "open-valve" },
    ]) {
      expect(await approvalOf({}, { ...command, ...change }), JSON.stringify(change)).toEqual({
        refused: expect.stringMatching(/for another/),
      });
    }
    expect(await approvalOf({ approval: undefined })).toEqual({ refused: "the token is no approval" });
    expect(await approvalOf({ approval: { ...command, command: 7 } })).toEqual({
      refused: expect.stringMatching(/not text/),
    });
  });

  it("needs an approver of the same tenant, or of the platform", async () => {
    expect(await approvalOf({ tenant: "other" })).toEqual({ refused: "the approver is of another tenant" });
    expect(await approvalOf({ tenant: "*" })).toMatchObject({ by: "bob" });
    const platform = { ...command, tenant: "*" };
    expect(await approvalOf({ approval: platform }, platform)).toEqual({
      refused: "the approver is of another tenant",
    });
  });

  it("leaves its end to policies, which say that it has expired", async () => {
    expect(await approvalOf({ exp: now - 60 })).toMatchObject({ expires_at: now - 60 });
    expect(await approvalOf({ exp: undefined })).toEqual({ refused: "the token has no `exp`" });
  });
});
