/** Brokers before a service of several processes: any of them may be asked about any client. */
import { request } from "node:http";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeWithNats } from "../nats.ts";
import { type Processes, serveProcesses } from "../processes.ts";
import { type Administration, startAdministration } from "./administration.ts";
import { natsPremises } from "./nats-behind.ts";
import { makePremises, type Premises, quarantined, released, secretOf } from "./service.ts";
import { eventually } from "./stack.ts";

const workers = 2;
const more = { workers, log: { level: "info" }, shutdown: { drain_s: 1 } };
const topicOf = (device: string, stream: string): string => `t/acme/d/${device}/${stream}`;

describe("EMQX before two workers", () => {
  let premises: Premises;
  let emqx: Administration;
  let service: Processes;

  beforeAll(async () => {
    emqx = await startAdministration();
    premises = makePremises(
      (file) => [
        {
          name: "plant",
          dialect: "emqx",
          peer: "broker",
          rate_classes: ["standard"],
          connects: { per_s: 100, burst: 500 },
          kick: { url: `${emqx.url}/api/v5`, user: "key", password: file("emqx-secret", "emqx-secret") },
        },
      ],
      more,
    );
    service = await serveProcesses(premises.config);
    await service.until("it is ready", async () => (await fetch(`http://${service.http}/readyz`)).ok);
  }, 120_000);
  afterAll(async () => {
    await service?.[Symbol.asyncDispose]();
    await emqx?.[Symbol.asyncDispose]();
    premises?.[Symbol.dispose]();
  }, 60_000);

  /** On a connection of its own: the primary deals them out in turn, so that two in a row reach both workers. */
  const post = (path: string, body: object): Promise<string> =>
    new Promise((resolve, reject) => {
      const call = request(
        `http://${service.http}/broker/plant/${path}`,
        {
          method: "POST",
          agent: false,
          headers: { "content-type": "application/json", connection: "close" },
        },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (part: string) => (text += part));
          answer.on("end", () => resolve(String((JSON.parse(text) as { result: unknown }).result)));
        },
      );
      call.on("error", reject);
      call.end(JSON.stringify(body));
    });
  const login = (device: string): Promise<string> =>
    post("authn", { clientid: device, username: device, password: secretOf(device), peerhost: "192.0.2.7" });
  const publish = (device: string): Promise<string> => {
    const about = { clientid: device, username: device, action: "publish", qos: "1", retain: "false" };
    return post("authz", { ...about, topic: topicOf(device, "ops/power") });
  };
  const published = async (device: string): Promise<string[]> => {
    const said: string[] = [];
    for (let turn = 0; turn < workers * 2; turn++) said.push(await publish(device));
    return [...new Set(said)];
  };
  const kicks = (device: string): number =>
    emqx.told.filter(({ call }) => call === `DELETE /api/v5/clients/${device}`).length;
  const change = async (...patch: Parameters<Premises["change"]>): Promise<void> => {
    premises.change(...patch);
    service.child.kill("SIGHUP");
  };

  it("each worker answers about a client that another one let in", async () => {
    expect(await published("m-2"), "nobody let it in").toEqual(["deny"]);
    for (let turn = 0; turn < workers; turn++) {
      expect(await login("m-1")).toBe("allow");
      expect(await published("m-1")).toEqual(["allow"]);
    }
    const metrics = await service.metrics();
    expect(metrics.get('sallyport_broker_sessions{broker="plant"}'), "one session, however many copies").toBe(
      1,
    );
  });

  it("a revocation ends the session in all of them, and the broker is told once", async () => {
    expect(await login("m-1")).toBe("allow");
    expect(await published("m-1")).toEqual(["allow"]);
    const before = kicks("m-1");
    await change("m-1", quarantined);
    expect(await eventually(() => kicks("m-1") > before, 20_000)).toBe(true);
    expect(await published("m-1")).toEqual(["deny"]);
    expect(kicks("m-1")).toBe(before + 1);
    expect(await login("m-1")).toBe("deny");
    await change("m-1", released);
    expect(await eventually(async () => (await login("m-1")) === "allow", 20_000)).toBe(true);
    expect(await published("m-1")).toEqual(["allow"]);
  }, 90_000);

  it("a kick that the broker did not confirm does not hit the session that came after it", async () => {
    expect(await login("m-1")).toBe("allow");
    emqx.status = 503;
    const before = kicks("m-1");
    await change("m-1", quarantined);
    expect(await eventually(() => kicks("m-1") > before, 20_000)).toBe(true);
    await change("m-1", released);
    // In whichever worker it logs in: the kick that waits in one of them is called off.
    expect(await eventually(async () => (await login("m-1")) === "allow", 20_000)).toBe(true);
    emqx.status = 204;
    const after = kicks("m-1");
    const pending = async (): Promise<number> =>
      (await service.metrics()).get('sallyport_broker_pending_kicks{broker="plant"}') ?? 0;
    expect(await eventually(async () => (await pending()) === 0, 10_000)).toBe(true);
    expect(await published("m-1")).toEqual(["allow"]);
    expect(kicks("m-1")).toBe(after);
  }, 90_000);

  it("sessions of a worker that is killed stand, and are ended by the others", async () => {
    // One of the two lets it in, and nobody else is asked: with that one the session would be forgotten.
    for (const [number] of service.workers()) {
      expect(await login("m-2")).toBe("allow");
      const pid = service.workers().get(number) ?? 0;
      process.kill(pid, "SIGKILL");
      await service.until("it is replaced", () => (service.workers().get(number) ?? pid) !== pid);
      expect(await published("m-2")).toEqual(["allow"]);
    }
    const before = kicks("m-2");
    await change("m-2", quarantined);
    expect(await eventually(() => kicks("m-2") > before, 20_000)).toBe(true);
    expect(await published("m-2")).toEqual(["deny"]);
    await change("m-2", released);
  }, 120_000);

  it("a change that came while no worker knew a session ends it when another takes it over", async () => {
    expect(await eventually(async () => (await login("m-2")) === "allow", 20_000)).toBe(true);
    const before = kicks("m-2");
    const pids = [...service.workers().values()];
    for (const pid of pids) process.kill(pid, "SIGKILL");
    await change("m-2", quarantined);
    expect(await eventually(() => kicks("m-2") > before, 60_000)).toBe(true);
  }, 120_000);
});

describeWithNats("nats-server before two workers", () => {
  it("asks any of them, and each can kick what another let in", async () => {
    await using behind = await natsPremises(more);
    await using service = await serveProcesses(behind.premises.config);
    const join = (name: string, device = name) =>
      connect({
        servers: behind.nats,
        name,
        user: device,
        pass: secretOf(device),
        reconnect: false,
        timeout: 10_000,
      });
    // Several connections under one name: each is a session of its own.
    const connections = [await join("m-1"), await join("m-1"), await join("m-1"), await join("m-2")];
    const sessions = async (): Promise<number | undefined> =>
      (await service.metrics()).get('sallyport_broker_sessions{broker="edge"}');
    expect(await sessions()).toBe(4);
    behind.premises.change("m-1", quarantined);
    service.child.kill("SIGHUP");
    for (const each of connections.slice(0, 3)) await each.closed();
    expect(connections[3]?.isClosed()).toBe(false);
    expect(await eventually(async () => (await sessions()) === 1, 10_000)).toBe(true);
    await expect(join("m-1")).rejects.toThrow();
    await connections[3]?.close();
  }, 120_000);
});
