/**
 * One decision table for every dialect that asks from afar: whatever a broker calls it, the same decision is the same
 * verdict. Each dialect is spoken as its broker speaks it; what it cannot tell or do is read from its `supports`.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { supports as aedes } from "../../src/adapters/aedes/aedes.ts";
import { answerEmqx, supports as emqx } from "../../src/adapters/emqx/emqx.ts";
import { supports as exhook, exhookMethods } from "../../src/adapters/exhook/exhook.ts";
import { supports as mosquitto, mosquittoMethods } from "../../src/adapters/mosquitto/mosquitto.ts";
import { supports as nats } from "../../src/adapters/nats/nats.ts";
import { answerRabbit, supports as rabbit } from "../../src/adapters/rabbitmq/rabbitmq.ts";
import { answerVerne, supports as verne } from "../../src/adapters/vernemq/vernemq.ts";
import type { Decision } from "../../src/decision/decision.ts";
import type { Obligations } from "../../src/decision/obligations.ts";
import type { Query } from "../../src/decision/query.ts";
import type { Supports } from "../../src/decision/supports.ts";
import type { BrokerDoor } from "../../src/enforcement/broker-door.ts";
import { EnforcementPoint } from "../../src/enforcement/enforcement-point.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { brokerPeer, certificateFacts } from "../records.ts";
import { after, allowed, denied, RecordingDecider, type Rule } from "./recording-decider.ts";

const now = 1_800_000_000;
const deadlineMs = 100;
const topic = "t/acme/d/meter-001/ops/power";
const filter = "t/acme/d/meter-001/cmd/#";

interface Spoken {
  connect(secret?: string): Promise<boolean>;
  publish(): Promise<boolean>;
  subscribe(): Promise<boolean>;
}

interface Dialect {
  readonly name: string;
  readonly supports: Supports;
  speak(door: BrokerDoor): Spoken;
}

const form = (fields: Record<string, string>) => ({
  body: Buffer.from(new URLSearchParams(fields).toString()),
  query: {},
});
const json = (value: unknown, headers: Record<string, string> = {}) => ({
  body: Buffer.from(JSON.stringify(value)),
  headers,
});
const id = "meter-001";
const username = "meter-001";

const dialects: readonly Dialect[] = [
  {
    name: "rabbitmq",
    supports: rabbit(true),
    speak(door) {
      const call = async (path: string, fields: Record<string, string>): Promise<boolean> => {
        const { status, body } = await answerRabbit(door, "/", path, form(fields));
        expect(status).toBe(200);
        expect(["allow", "deny"]).toContain(body);
        return body === "allow";
      };
      const who = { username, vhost: "/", client_id: id };
      const at = { username, vhost: "/", "variable_map.client_id": id, resource: "topic", name: "amq.topic" };
      return {
        connect: async (password = "right") =>
          (await call("user", { ...who, password })) && (await call("vhost", { ...who, ip: "127.0.0.1" })),
        publish: () => call("topic", { ...at, permission: "write", routing_key: topic.replaceAll("/", ".") }),
        subscribe: () =>
          call("topic", { ...at, permission: "read", routing_key: filter.replaceAll("/", ".") }),
      };
    },
  },
  {
    name: "vernemq",
    supports: verne(true),
    speak(door) {
      const call = async (hook: string, body: object): Promise<boolean> => {
        const headers = { "vernemq-hook": hook };
        const answer = await answerVerne(
          door,
          json({ client_id: id, username, mountpoint: "", ...body }, headers),
        );
        expect(answer.status).toBe(200);
        return (JSON.parse(String(answer.body)) as { result: unknown }).result === "ok";
      };
      return {
        connect: (password = "right") => call("auth_on_register", { addr: "10.0.0.1", password }),
        publish: () => call("auth_on_publish_m5", { topic, qos: 1, retain: true, payload: "" }),
        subscribe: () => call("auth_on_subscribe", { topics: [{ topic: filter, qos: 1 }] }),
      };
    },
  },
  {
    name: "emqx http",
    supports: emqx,
    speak(door) {
      const call = async (path: string, body: object): Promise<boolean> => {
        const answer = await answerEmqx(door, path, json({ clientid: id, username, ...body }));
        expect(answer.status).toBe(200);
        const { result } = JSON.parse(String(answer.body)) as { result: string };
        expect(["allow", "deny"]).toContain(result);
        return result === "allow";
      };
      return {
        connect: (password = "right") => call("authn", { password, peerhost: "10.0.0.1" }),
        publish: () => call("authz", { action: "publish", topic, qos: "1", retain: "true" }),
        subscribe: () => call("authz", { action: "subscribe", topic: filter, qos: 1 }),
      };
    },
  },
  {
    name: "emqx exhook",
    supports: exhook(true),
    speak(door) {
      const methods = exhookMethods((peer) => (peer === brokerPeer ? door : undefined));
      const clientinfo = {
        clientid: id,
        username,
        password: "right",
        peerhost: "10.0.0.1",
        peerport: 40_001,
      };
      const told = async (
        verdict: Promise<{ type: number; value: { value: boolean } }>,
      ): Promise<boolean> => {
        const { type, value } = await verdict;
        expect(type, "STOP_AND_RETURN").toBe(2);
        return value.value;
      };
      return {
        connect: (password = "right") =>
          told(methods.onClientAuthenticate({ clientinfo: { ...clientinfo, password } }, brokerPeer)),
        publish: () => told(methods.onClientAuthorize({ clientinfo, type: 0, topic }, brokerPeer)),
        subscribe: () => told(methods.onClientAuthorize({ clientinfo, type: 1, topic: filter }, brokerPeer)),
      };
    },
  },
  {
    name: "mosquitto-go-auth",
    supports: mosquitto,
    speak(door) {
      const methods = mosquittoMethods((peer) => (peer === brokerPeer ? door : undefined));
      const acl = async (acc: number, of: string): Promise<boolean> =>
        (await methods.checkAcl({ username, topic: of, clientid: id, acc }, brokerPeer)).ok;
      return {
        connect: async (password = "right") =>
          (await methods.getUser({ username, password, clientid: id }, brokerPeer)).ok,
        publish: () => acl(2, topic),
        subscribe: () => acl(4, filter),
      };
    },
  },
];

interface Opened extends Disposable {
  readonly spoken: Spoken;
  readonly decider: RecordingDecider;
  readonly door: BrokerDoor;
  readonly clock: ManualClock;
  readonly kicked: string[];
}

function open({ supports, speak }: Dialect, rule: Rule): Opened {
  const decider = new RecordingDecider(rule);
  const clock = new ManualClock(now);
  const kicked: string[] = [];
  const point = new EnforcementPoint({
    decider,
    prove: (evidence) =>
      evidence.type === "secret" && evidence.secret === "right"
        ? { identity: { key: evidence.name, credential: certificateFacts(evidence.name, now) } }
        : { refused: "wrong" },
    supports,
    bounds: { maxQos: 1, rateClasses: new Set(["standard"]) },
    clock,
    deadlineMs,
    nextId: () => "here",
    kick: async ({ clientId }) => void kicked.push(clientId),
  });
  const door: BrokerDoor = {
    point,
    maxQos: 1,
    mayRetain: true,
    cacheS: 0,
    now: () => clock.now(),
    grants: async () => ({ decision: allowed(), grants: [], session_expires_at: now + 60 }),
    promised: () => {},
  };
  return {
    spoken: speak(door),
    decider,
    door,
    clock,
    kicked,
    [Symbol.dispose]: () => point[Symbol.dispose](),
  };
}

type Kind = "connect" | "publish" | "subscribe";
const kinds: readonly Kind[] = ["connect", "publish", "subscribe"];

/** An unproven subject is denied, as the service does. */
const only =
  (kind: Kind, rule: Rule): Rule =>
  (query: Query) => {
    const { subject } = query as { subject: { proof: object | null } };
    if (subject.proof === null || !("key" in subject.proof)) return denied("credential_missing");
    return query.kind === kind ? rule(query) : allowed();
  };

async function verdict(spoken: Spoken, kind: Kind): Promise<boolean> {
  const connected = await spoken.connect();
  if (kind === "connect") return connected;
  expect(connected).toBe(true);
  return kind === "publish" ? spoken.publish() : spoken.subscribe();
}

const rows: readonly { readonly name: string; readonly rule: Rule; readonly allow: boolean }[] = [
  { name: "an allow", rule: () => allowed(), allow: true },
  { name: "an allow that comes later", rule: () => after(5, allowed()), allow: true },
  { name: "a denial for ever", rule: () => denied("credential_revoked"), allow: false },
  { name: "a denial to mend", rule: () => denied("device_quarantined"), allow: false },
  { name: "a denial that passes", rule: () => denied("facts_stale"), allow: false },
  { name: "no answer in time", rule: () => after(deadlineMs * 3, allowed()), allow: false },
  { name: "a rejection", rule: () => Promise.reject(new Error("broken")), allow: false },
  {
    name: "a throw",
    rule: () => {
      throw new Error("broken");
    },
    allow: false,
  },
  {
    name: "a rate class that the broker holds",
    rule: () => allowed({ rate_class: "standard" }),
    allow: true,
  },
  { name: "one that it does not", rule: () => allowed({ rate_class: "untrusted" }), allow: false },
  { name: "a cap at the broker's own", rule: () => allowed({ max_qos: 1 }), allow: true },
  { name: "a route", rule: () => allowed({ route: "backfill" }), allow: false },
  { name: "a command's time", rule: () => allowed({ command_ttl_s: 60 }), allow: false },
  { name: "an unknown obligation", rule: () => allowed({ kneel: true } as Obligations), allow: false },
  { name: "duties of the service", rule: () => allowed({ audit: "full", mark_reentry: true }), allow: true },
  { name: "what is advisory", rule: () => allowed({ reattest_by: 1, notify: ["soc"] }), allow: true },
];

for (const dialect of dialects) {
  describe(`${dialect.name} answers as the table says`, () => {
    for (const kind of kinds)
      for (const { name, rule, allow } of rows)
        it(`${kind}: ${name}`, async () => {
          using opened = open(dialect, only(kind, rule));
          expect(await verdict(opened.spoken, kind)).toBe(allow);
        });

    it("verifies the secret, and knows nobody who did not connect", async () => {
      using opened = open(
        dialect,
        only("connect", () => allowed()),
      );
      expect(await opened.spoken.connect("wrong")).toBe(false);
      expect(await opened.spoken.connect("")).toBe(false);
      expect(await opened.spoken.publish()).toBe(false);
      expect(await opened.spoken.subscribe()).toBe(false);
      expect(await opened.spoken.connect()).toBe(true);
      const kept = JSON.stringify(opened.door.point.sessions.all()[0]?.subject);
      expect(kept).not.toContain("right");
    });

    it("asks what the dialect says", async () => {
      using opened = open(
        dialect,
        only("connect", () => allowed()),
      );
      await opened.spoken.connect();
      await opened.spoken.publish();
      await opened.spoken.subscribe();
      expect(opened.decider.of("publish")[0]).toMatchObject({ topic, qos: 1, retain: true });
      expect(opened.decider.of("subscribe")[0]).toMatchObject({ filter, qos: 1 });
      expect(opened.decider.of("connect").at(-1)?.subject.client_id).toBe(id);
    });

    it("ends a session that a change has undone, and denies it from then on", async () => {
      let good = true;
      const rests_on = ["device:meter-001"] as const;
      const rule = (): Decision => (good ? allowed({}, { rests_on }) : denied("device_quarantined"));
      using opened = open(dialect, only("connect", rule));
      expect(await opened.spoken.connect()).toBe(true);
      await opened.door.point.apply({ scope: "records", revision: 1, keys: ["device:meter-002"] });
      expect(await opened.spoken.publish()).toBe(true);
      good = false;
      await opened.door.point.apply({ scope: "records", revision: 2, keys: ["device:meter-001"] });
      expect(opened.kicked).toEqual([id]);
      expect(await opened.spoken.publish()).toBe(false);
      expect(await opened.spoken.subscribe()).toBe(false);
    });

    it("judges a session again when its time is over", async () => {
      const answers = [allowed({ session_ttl_s: 60 }), denied("credential_expired")];
      using opened = open(
        dialect,
        only("connect", () => answers.shift() ?? denied("credential_expired")),
      );
      expect(await opened.spoken.connect()).toBe(dialect.supports.enforces.connect.has("session_ttl_s"));
      expect(await opened.spoken.publish()).toBe(true);
      opened.clock.advance(61);
      expect(await opened.spoken.publish()).toBe(false);
      expect(opened.kicked).toEqual([id]);
    });
  });
}

it("without a way to end sessions, what needs one is a denial", async () => {
  for (const supports of [rabbit(false), verne(false), exhook(false)]) {
    expect(supports.enforces.connect.has("session_ttl_s")).toBe(false);
    expect(supports.enforces.connect.has("disconnect")).toBe(false);
  }
});

it("says on its page whether the broker itself is run", () => {
  const pages = new Map<string, Supports[]>([
    ["aedes", [aedes]],
    ["emqx", [emqx, exhook(true)]],
    ["mosquitto", [mosquitto]],
    ["nats", [nats(true)]],
    ["rabbitmq", [rabbit(true)]],
    ["vernemq", [verne(true)]],
  ]);
  const root = new URL("../../", import.meta.url);
  expect(readdirSync(new URL("docs/brokers", root)).sort()).toEqual(
    [...pages.keys()].map((name) => `${name}.md`),
  );
  for (const [name, adapters] of pages) {
    const page = readFileSync(new URL(`docs/brokers/${name}.md`, root), "utf8");
    const tests = [...page.matchAll(/`(test\/brokers\/(?!mounted)[\w-]+\.test\.ts)`/g)].map(([, test]) =>
      String(test),
    );
    for (const { broker, checked } of adapters) {
      expect(tests.length > 0, broker).toBe(checked === "with the broker");
      expect(/\bnot run\b|\bno \w+ was run\b/i.test(page), broker).toBe(checked === "by its calls");
    }
    for (const test of tests) expect(existsSync(new URL(test, root)), test).toBe(true);
  }
});
