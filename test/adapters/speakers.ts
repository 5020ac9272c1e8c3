/** Every dialect that asks from afar, spoken as its broker speaks it, and a door with one client for each. */
import { expect } from "vitest";
import { answerEmqx, supports as emqx } from "../../src/adapters/emqx/emqx.ts";
import { supports as exhook, exhookMethods } from "../../src/adapters/exhook/exhook.ts";
import { supports as mosquitto, mosquittoMethods } from "../../src/adapters/mosquitto/mosquitto.ts";
import { supports as nats } from "../../src/adapters/nats/nats.ts";
import { answerRabbit, supports as rabbit } from "../../src/adapters/rabbitmq/rabbitmq.ts";
import { answerVerne, supports as verne } from "../../src/adapters/vernemq/vernemq.ts";
import type { Decision } from "../../src/decision/decision.ts";
import type { Query, Subject } from "../../src/decision/query.ts";
import type { Supports } from "../../src/decision/supports.ts";
import type { BrokerDoor, DoorGrant } from "../../src/enforcement/broker-door.ts";
import { EnforcementPoint } from "../../src/enforcement/enforcement-point.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { brokerPeer, certificateFacts } from "../records.ts";
import { natsServerBehind } from "./nats-server.ts";
import { allowed, denied, RecordingDecider, type Rule } from "./recording-decider.ts";

export const now = 1_800_000_000;
export const deadlineMs = 100;
export const topic = "t/acme/d/meter-001/ops/power";
export const filter = "t/acme/d/meter-001/cmd/#";

export interface Spoken {
  connect(secret?: string): Promise<boolean>;
  publish(): Promise<boolean>;
  subscribe(): Promise<boolean>;
  /** The broker ends the connection. */
  kicked?(): void;
}

export interface Dialect {
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
export const id = "meter-001";
const username = "meter-001";

export const dialects: readonly Dialect[] = [
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
  {
    name: "nats auth callout",
    supports: nats(true),
    speak(door) {
      const server = natsServerBehind(door);
      return {
        connect: (password = "right") => server.connect(id, password),
        publish: () => server.publish("t.acme.d.meter-001.ops.power"),
        subscribe: () => server.subscribe("t.acme.d.meter-001.cmd", "t.acme.d.meter-001.cmd.>"),
        kicked: () => server.kicked(),
      };
    },
  },
];

export interface Opened extends Disposable {
  readonly spoken: Spoken;
  readonly decider: RecordingDecider;
  readonly door: BrokerDoor;
  readonly clock: ManualClock;
  readonly kicked: string[];
}

/** What single questions would answer, as a list. */
async function grantsOf(decider: RecordingDecider, subject: Subject): Promise<DoorGrant[]> {
  const publish = await decider.decide({ kind: "publish", subject, topic, qos: 1, retain: true });
  const subscribe = await decider.decide({ kind: "subscribe", subject, filter, qos: 1 });
  const entry = (action: DoorGrant["action"], { allow }: Decision, of: string): DoorGrant[] =>
    allow ? [{ action, effect: "allow", filter: of, max_qos: 1, retain: true }] : [];
  return [...entry("publish", publish, topic), ...entry("subscribe", subscribe, filter)];
}

export function open({ supports, speak }: Dialect, rule: Rule): Opened {
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
    kick: async ({ clientId }) => {
      kicked.push(clientId);
      spoken.kicked?.();
    },
  });
  const door: BrokerDoor = {
    point,
    maxQos: 1,
    mayRetain: true,
    cacheS: 0,
    now: () => clock.now(),
    grants: async (subject) => {
      const list = { decision: allowed(), grants: [], session_expires_at: clock.now() + 60 };
      return supports.asks === "each" ? list : { ...list, grants: await grantsOf(decider, subject) };
    },
    promised: () => {},
  };
  const spoken = speak(door);
  return {
    spoken,
    decider,
    door,
    clock,
    kicked,
    [Symbol.dispose]: () => point[Symbol.dispose](),
  };
}

export type Kind = "connect" | "publish" | "subscribe";
export const kinds: readonly Kind[] = ["connect", "publish", "subscribe"];

/** A rule for one kind; the others are allowed. An unproven subject is denied, as the service does. */
export const only =
  (kind: Kind, rule: Rule): Rule =>
  (query: Query) => {
    const { subject } = query as { subject: { proof: object | null } };
    if (subject.proof === null || !("key" in subject.proof)) return denied("credential_missing");
    return query.kind === kind ? rule(query) : allowed();
  };

/** Whether the client gets through with it. */
export async function verdict(dialect: Dialect, spoken: Spoken, kind: Kind): Promise<boolean> {
  const connected = await spoken.connect();
  if (kind === "connect") return connected;
  // Where there is no list, there is no session.
  if (dialect.supports.asks === "at_connect" && !connected) return false;
  expect(connected).toBe(true);
  return kind === "publish" ? spoken.publish() : spoken.subscribe();
}

/** One of them. */
export function speakerOf(name: string): Dialect {
  const found = dialects.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no dialect ${name}`);
  return found;
}
