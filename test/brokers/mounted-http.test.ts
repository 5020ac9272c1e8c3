/** VerneMQ's webhooks and EMQX's HTTP backend as the service mounts them: over its real port, in the brokers' own words. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { type Administration, startAdministration } from "./administration.ts";
import { makePremises, type Premises, quarantined, released, secretOf, startIn } from "./service.ts";
import { eventually } from "./stack.ts";

const now = 1_800_000_000;
const topicOf = (device: string, stream: string): string => `t/acme/d/${device}/${stream}`;

interface Answer {
  readonly status: number;
  readonly cache: string | null;
  readonly body: Record<string, unknown>;
}

let clock: ManualClock;
let premises: Premises;
let app: App;
let verne: Administration;
let emqx: Administration;

beforeAll(async () => {
  clock = new ManualClock(now);
  [verne, emqx] = await Promise.all([startAdministration(), startAdministration()]);
  premises = makePremises(
    (file) => [
      {
        name: "ring",
        dialect: "vernemq",
        peer: "broker",
        secret: file("ring-secret", "ring-secret"),
        cache_s: 30,
        deadline_ms: 1000,
        rate_classes: ["standard"],
        connects: { per_s: 10, burst: 500 },
        kick: { url: verne.url, password: file("verne-key", "verne-key") },
      },
      {
        name: "plant",
        dialect: "emqx",
        peer: "broker",
        cache_s: 60,
        deadline_ms: 1000,
        rate_classes: ["standard"],
        connects: { per_s: 10, burst: 500 },
        kick: { url: `${emqx.url}/api/v5`, user: "key", password: file("emqx-secret", "emqx-secret") },
      },
    ],
    {},
    now,
  );
  app = await startIn(premises, clock);
}, 60_000);
afterAll(async () => {
  await app?.close();
  await verne?.[Symbol.asyncDispose]();
  await emqx?.[Symbol.asyncDispose]();
  premises?.[Symbol.dispose]();
});

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(`http://${app.httpAddress}/broker/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return {
    status: answer.status,
    cache: answer.headers.get("cache-control"),
    body: (await answer.json()) as Record<string, unknown>,
  };
}

const change = async (...patch: Parameters<Premises["change"]>): Promise<void> => {
  premises.change(...patch);
  await app.reload();
};

describe("VerneMQ's webhooks", () => {
  const hook = (name: string, body: object | string): Promise<Answer> =>
    post("ring/ring-secret/hook", body, { "vernemq-hook": name });
  const who = (device: string) => ({ client_id: device, username: device, mountpoint: "" });
  const register = (device: string, password = secretOf(device)): Promise<Answer> =>
    hook("auth_on_register", {
      ...who(device),
      addr: "192.0.2.7",
      port: 40_001,
      password,
      clean_session: true,
    });
  const publish = (device: string, topic: string, more: object = {}): Promise<Answer> =>
    hook("auth_on_publish", { ...who(device), topic, qos: 1, retain: false, payload: "NDI=", ...more });
  const no = { status: 200, cache: null, body: { result: { error: "not_allowed" } } };

  it("lets in whoever has the secret, and remembers no login", async () => {
    expect(await register("m-1")).toEqual({ status: 200, cache: null, body: { result: "ok" } });
    expect(await register("m-1", "wrong")).toEqual(no);
    expect(await register("m-ghost")).toEqual(no);
    expect(await hook("auth_on_register_m5", { ...who("m-1"), password: secretOf("m-2") })).toEqual(no);
  });

  it("says how long an allow may be used: as configured, and never beyond its own end", async () => {
    await register("m-1");
    expect((await publish("m-1", topicOf("m-1", "ops/power"))).cache).toBe("max-age=30");
    await change("m-2", { credentials: { "fp-m-2": { not_after: now + 20 } } });
    await register("m-2");
    expect((await publish("m-2", topicOf("m-2", "ops/power"))).cache).toBe("max-age=20");
    clock.advance(13);
    expect((await publish("m-2", topicOf("m-2", "ops/power"))).cache).toBe("max-age=7");
    await change("m-2", { credentials: { "fp-m-2": { not_after: now + 86_400 } } });
  });

  it("answers each filter of a subscription, shared ones too", async () => {
    await register("m-1");
    const shared = `$share/load/${topicOf("m-1", "cmd/#")}`;
    const asked = [
      { topic: topicOf("m-1", "cmd/#"), qos: 2 },
      { topic: topicOf("m-2", "cmd/#"), qos: 1 },
      { topic: shared, qos: 1 },
      { topic: "$share/load/#", qos: 1 },
    ];
    const { body, cache } = await hook("auth_on_subscribe", { ...who("m-1"), topics: asked });
    expect(body["topics"]).toEqual([
      { topic: topicOf("m-1", "cmd/#"), qos: 1 },
      { topic: topicOf("m-2", "cmd/#"), qos: 128 },
      { topic: shared, qos: 1 },
      { topic: "$share/load/#", qos: 128 },
    ]);
    expect(cache, "an answer that denies is asked again").toBeNull();
    const whole = await hook("auth_on_subscribe_m5", { ...who("m-1"), topics: [asked[0]] });
    expect(whole.cache).toBe("max-age=30");
    expect(await hook("auth_on_subscribe", { ...who("m-1"), topics: [["#", 1]] })).toEqual(no);
  });

  it("judges a will as the publish that it will be", async () => {
    await register("m-1");
    expect((await publish("m-1", topicOf("m-1", "ops/will"))).body).toEqual({ result: "ok" });
    expect(await publish("m-1", topicOf("m-2", "ops/will"))).toEqual(no);
    expect(await publish("m-1", topicOf("m-1", "hv/will"), { retain: true }), "not retained").toEqual(no);
  });

  it("refuses in contract what is no hook, and whoever is not the broker", async () => {
    for (const body of ["", "{", "[]", "null", '{"client_id": 7}'])
      expect(await hook("auth_on_publish", body)).toEqual(no);
    expect(await hook("on_deliver", who("m-1"))).toEqual(no);
    for (const path of ["ring/hook", "ring/wrong-secret/hook"])
      expect((await post(path, who("m-1"), { "vernemq-hook": "auth_on_register" })).status).toBe(403);
    const bearer = { authorization: "Bearer ring-secret", "vernemq-hook": "auth_on_register" };
    expect((await post("ring/hook", { ...who("m-1"), password: secretOf("m-1") }, bearer)).body).toEqual({
      result: "ok",
    });
  });

  it("throws out a quarantined device, with its session, and goes on denying", async () => {
    await register("m-1");
    await change("m-1", quarantined);
    const disconnect = "GET /api/v1/session/disconnect?client-id=m-1&--cleanup";
    expect(await eventually(() => verne.told.some(({ call }) => call === disconnect), 5000)).toBe(true);
    expect(verne.told.at(-1)?.authorization).toBe("verne-key:");
    expect(await publish("m-1", topicOf("m-1", "ops/power"))).toEqual(no);
    expect(await register("m-1")).toEqual(no);
    await change("m-1", released);
    expect((await register("m-1")).body).toEqual({ result: "ok" });
  });

  it("answers a flood of guesses in contract and in time, and lets the right one in behind it", async () => {
    const beganMs = performance.now();
    const guesses = await Promise.all(
      Array.from({ length: 300 }, (_, turn) => register("m-2", `guess ${turn}`)),
    );
    const tookMs = performance.now() - beganMs;
    expect(guesses.filter(({ status, body }) => status !== 200 || body["result"] === "ok")).toEqual([]);
    // One after another the guesses would take some ten seconds; a denial comes when its second is over.
    expect(tookMs).toBeLessThan(20_000);
    expect(await eventually(async () => (await register("m-2")).body["result"] === "ok", 20_000)).toBe(true);
  }, 60_000);
});

describe("EMQX's HTTP authentication and authorization", () => {
  const authn = (device: string, password = secretOf(device), more: object = {}): Promise<Answer> =>
    post("plant/authn", { clientid: device, username: device, password, peerhost: "192.0.2.7", ...more });
  const authz = (device: string, action: string, topic: string, more: object = {}): Promise<Answer> =>
    post("plant/authz", {
      clientid: device,
      username: device,
      action,
      topic,
      qos: "1",
      retain: "false",
      ...more,
    });
  const no = { status: 200, cache: null, body: { result: "deny" } };
  const yes = { status: 200, cache: null, body: { result: "allow" } };

  it("answers a login with the whole list, its end, and attributes", async () => {
    const { body, status } = await authn("m-1");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      result: "allow",
      is_superuser: false,
      client_attrs: { tenant: "acme", device: "m-1" },
    });
    // The list ends before the facts behind it could be too old.
    expect(body["expire_at"]).toBe((await app.decider("broker").grants(subjectOf("m-1"))).session_expires_at);
    expect(body["expire_at"]).toBeGreaterThan(clock.now());
    const acl = body["acl"] as Record<string, unknown>[];
    expect(acl).toContainEqual({
      permission: "allow",
      action: "publish",
      topic: topicOf("m-1", "hv/#"),
      qos: [0, 1],
      retain: false,
    });
    expect(acl.at(-1)).toEqual({ permission: "deny", action: "all", topic: "#" });
    expect(JSON.stringify(acl)).not.toContain("m-2");
  });

  it("verifies the secret", async () => {
    for (const password of ["wrong", "", secretOf("m-2")]) expect(await authn("m-1", password)).toEqual(no);
    expect(await authn("m-ghost")).toEqual(no);
    expect(await authn("m-1", secretOf("m-2"), { username: "m-2" }), "under another's client id").toEqual(no);
    expect(await authn("m-1", "", { cert_pem: "-----BEGIN CERTIFICATE-----" })).toEqual(no);
  });

  it("judges what the list does not answer, at the QoS and retain that are asked for", async () => {
    await authn("m-1");
    expect(await authz("m-1", "publish", topicOf("m-1", "hv/power"))).toEqual(yes);
    expect(await authz("m-1", "publish", topicOf("m-1", "hv/power"), { retain: "true" })).toEqual(no);
    expect(await authz("m-1", "publish", topicOf("m-1", "ops/power"), { retain: "true" })).toEqual(yes);
    expect(await authz("m-1", "publish", topicOf("m-1", "ops/power"), { qos: "2" })).toEqual(no);
    expect(await authz("m-1", "publish", topicOf("m-2", "ops/power"))).toEqual(no);
    expect(await authz("m-1", "subscribe", topicOf("m-1", "cmd/#"))).toEqual(yes);
    expect(await authz("m-1", "subscribe", `$share/load/${topicOf("m-1", "cmd/#")}`)).toEqual(yes);
    expect(await authz("m-1", "subscribe", "$share/load/t/acme/d/+/cmd/#")).toEqual(no);
    expect(await authz("m-1", "subscribe", "#")).toEqual(no);
    expect(await authz("m-1", "dance", topicOf("m-1", "ops/power"))).toEqual(no);
  });

  it("never answers with what EMQX would pass over: denials are answers, whatever was sent", async () => {
    for (const path of ["plant/authn", "plant/authz"])
      for (const body of ["", "{", "[]", "null", '{"clientid": {}}'])
        expect(await post(path, body)).toEqual(no);
  });

  it("kicks a quarantined device, and tries again until it is gone", async () => {
    await authn("m-2");
    emqx.status = 503;
    await change("m-2", quarantined);
    const kick = { call: "DELETE /api/v5/clients/m-2", authorization: "key:emqx-secret" };
    expect(await eventually(() => emqx.told.length > 0, 5000)).toBe(true);
    const before = emqx.told.length;
    emqx.status = 204;
    expect(await eventually(() => emqx.told.length > before, 10_000)).toBe(true);
    expect(emqx.told.at(-1)).toEqual(kick);
    expect(await authz("m-2", "publish", topicOf("m-2", "ops/power"))).toEqual(no);
    expect(await authn("m-2")).toEqual(no);
    await change("m-2", released);
  });

  it("throws out a client that it did not let in, once: a restart leaves none behind that is denied for ever", async () => {
    const strays = (): number => emqx.told.filter(({ call }) => call.endsWith("/clients/m-9")).length;
    expect(await authz("m-9", "publish", topicOf("m-9", "ops/power"))).toEqual(no);
    expect(await authz("m-9", "publish", topicOf("m-9", "ops/power"))).toEqual(no);
    expect(await eventually(() => strays() === 1, 5000)).toBe(true);
  });
});

const subjectOf = (device: string) => ({
  client_id: device,
  proof: { type: "secret", name: device, secret: secretOf(device) } as const,
});
