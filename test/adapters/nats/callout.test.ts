/** Signatures and times of the callout, checked with another implementation of NATS keys than its own. */
import { createAccount, createCurve, createServer } from "@nats-io/nkeys";
import { describe, expect, it } from "vitest";
import { natsCallout } from "../../../src/adapters/nats/nats.ts";
import { issuer, natsServerBehind, requestOf, verified } from "../nats-server.ts";
import { allowed, type Rule } from "../recording-decider.ts";
import { id, type Kind, now, only, open, speakerOf } from "../speakers.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
const dialect = speakerOf("nats auth callout");
const opened = (rule: Rule = () => allowed(), kind: Kind = "connect") => open(dialect, only(kind, rule));

describe("the JWT of a NATS user", () => {
  it("ends when the session does, and is signed by the account's key alone", async () => {
    using each = opened();
    for (const ends of [now + 1, now + 60, now + 43_200]) {
      const door = {
        ...each.door,
        grants: async () => ({ decision: allowed(), grants: [], session_expires_at: ends }),
      };
      const server = natsServerBehind(door);
      expect(await server.connect(id, "right")).toBe(true);
      expect(server.user).toMatchObject({ exp: ends, aud: "APP", name: id, iss: issuer.getPublicKey() });
      // Nothing granted: denied in so many words, since an empty list allows everything.
      expect(server.user?.nats).toMatchObject({ pub: { deny: [">"] }, sub: { deny: [">"] } });
    }
  });

  it("is not given for a session that is over, has no end, or whose list comes too late", async () => {
    using each = opened();
    const ends: readonly (number | undefined)[] = [now, now - 1, undefined];
    for (const session_expires_at of ends) {
      const grants = async () => ({ decision: allowed(), grants: [], session_expires_at });
      expect(await natsServerBehind({ ...each.door, grants }).connect(id, "right")).toBe(false);
    }
    const never = (): Promise<never> => new Promise(() => {});
    expect(await natsServerBehind({ ...each.door, grants: never }).connect(id, "right")).toBe(false);
    const failing = (): Promise<never> => Promise.reject(new Error("broken"));
    expect(await natsServerBehind({ ...each.door, grants: failing }).connect(id, "right")).toBe(false);
    expect(each.door.point.sessions.all().filter(({ given }) => given !== undefined)).toEqual([]);
  });

  it("is not given for a list with an obligation that NATS cannot keep", async () => {
    using each = opened();
    for (const [obligations, given] of [
      [{ session_ttl_s: 60 }, true],
      [{ route: "backfill" }, false],
      [{ max_qos: 0 }, false],
    ] as const) {
      const list = { decision: allowed(obligations), grants: [], session_expires_at: now + 60 };
      const server = natsServerBehind({ ...each.door, grants: async () => list });
      expect(await server.connect(id, "right"), JSON.stringify(obligations)).toBe(given);
    }
  });
});

describe("a request", () => {
  const ask = async (door: Parameters<typeof natsServerBehind>[0], body: string): Promise<string> =>
    text(await natsServerBehind(door).callout.answer(Buffer.from(body), () => ""));

  it("counts only where the server that it names has signed it", async () => {
    using each = opened();
    expect(await ask(each.door, requestOf(id, "right"))).not.toBe("");
    expect(await ask(each.door, requestOf(id, "right", createServer().getSeed())), "a stranger's").toBe("");
    const [head, body, signature] = requestOf(id, "right").split(".") as [string, string, string];
    const other = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(body, "base64url").toString()), x: 1 }),
    );
    for (const changed of [
      `${head}.${other.toString("base64url")}.${signature}`,
      `${head}.${body}.`,
      `${head}.${body}`,
      "",
      "a.b.c",
    ])
      expect(await ask(each.door, changed)).toBe("");
    expect(each.door.point.sessions.size).toBe(1);
  });

  it("is sealed where there is a curve key: an open one is not looked at", async () => {
    using each = opened();
    const [xkey, server] = [createCurve(), createCurve()];
    const callout = natsCallout({
      door: each.door,
      issuerSeed: text(createAccount().getSeed()),
      account: "APP",
      xkeySeed: text(xkey.getSeed()),
    });
    const request = Buffer.from(requestOf(id, "right"));
    const header = (): string => server.getPublicKey();
    expect(text(await callout.answer(request, () => ""))).toBe("");
    expect(text(await callout.answer(request, header)), "not sealed").toBe("");
    const foreign = createCurve();
    expect(
      text(await callout.answer(foreign.seal(request, xkey.getPublicKey()), header)),
      "another's seal",
    ).toBe("");
    expect(each.door.point.sessions.size).toBe(0);
    const answer = await callout.answer(server.seal(request, xkey.getPublicKey()), header);
    const unsealed = server.open(answer, xkey.getPublicKey());
    expect(verified(text(unsealed ?? new Uint8Array())).nats["jwt"]).toBeTypeOf("string");
  });
});
