/** When the service is slow, dead or overloaded the broker never blocks and never allows by accident. */

import { channel } from "node:diagnostics_channel";
import { createServer, type Socket } from "node:net";
import { status } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { type Attached, type AttachOptions, attach } from "../../src/client/client.ts";
import type { Decision } from "../../src/decision/decision.ts";
import type * as wire from "../../src/gen/sallyport/v1/decision.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import type { Fault } from "../../src/runtime/fault.ts";
import { publishOf, subjectOf, until } from "./attached.ts";
import { type Handler, kind, serveBroker, type TestBrokerService, welcome } from "./broker-service.ts";
import { wireAllow } from "./service.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function service(handler: Handler, at = 0): Promise<TestBrokerService> {
  const served = await serveBroker(handler, at);
  open.push(served);
  return served;
}
function client(options: AttachOptions): Attached {
  const attached = attach(options);
  open.push(attached);
  return attached;
}
const query = publishOf(subjectOf(0));
const many = (attached: Attached, count: number, from = 0): Promise<Decision[]> =>
  Promise.all(Array.from({ length: count }, async (_, i) => attached.decide(publishOf(subjectOf(from + i)))));
const reasons = (decisions: readonly Decision[]): Record<string, number> => {
  const seen: Record<string, number> = {};
  for (const { allow, reason } of decisions)
    seen[`${allow} ${reason}`] = (seen[`${allow} ${reason}`] ?? 0) + 1;
  return seen;
};

describe("a service that is slow", () => {
  const silent: Handler = (said) => (said.$case === "checks" ? undefined : kind()(said, undefined as never));

  it("costs each question its deadline and no more, and what waits is bounded and then gone", async () => {
    const { address } = await service(silent);
    const attached = client({ addresses: [address], deadlineMs: 150, maxWaiting: 500 });
    await attached.ready(20_000);
    for (let round = 0; round < 3; round++) {
      const asked = many(attached, 800);
      const { queued, room, waiting } = attached.metrics();
      expect(waiting).toBe(room);
      expect(queued).toBeLessThanOrEqual(room);
      expect(reasons(await asked)).toEqual({
        "false internal_error": room,
        "false rate_limited": 800 - room,
      });
      // The first time as many as may; then fewer, since none of them was answered in time.
      if (round === 0) expect(room).toBe(500);
      else expect(room).toBeLessThan(500);
    }
    await until(() => attached.metrics().waiting === 0 && attached.metrics().queued === 0);
  });

  it("says nothing that counts when its answer comes late", async () => {
    const late: { answer?: () => void } = {};
    const { address } = await service((said, stream) => {
      if (said.$case !== "checks") return kind()(said, stream);
      late.answer = () => stream.write({ message: kind()(said, stream) });
      return undefined;
    });
    const attached = client({ addresses: [address], deadlineMs: 100 });
    await attached.ready(20_000);
    expect(await attached.decide(query)).toMatchObject({ allow: false, reason: "internal_error" });
    late.answer?.();
    await until(() => attached.metrics().hits + attached.metrics().asked > 0);
    expect(attached.metrics().waiting).toBe(0);
  });

  it("is left alone by other devices' questions while another node answers", async () => {
    const slow = await service(silent);
    const good = await service(kind());
    const attached = client({ addresses: [slow.address, good.address], deadlineMs: 2000 });
    await attached.ready(20_000);
    await until(() => attached.metrics().streams_up === 2);
    void many(attached, 40);
    // Once a batch has waited for half the deadline, its stream is asked nothing more.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(reasons(await many(attached, 40, 100))).toEqual({ "true ok": 40 });
  });
});

describe("a service that is dead", () => {
  it("though its connection stands is given up, and asked again on another stream", async () => {
    let alive = true;
    const hung = await service((said, stream) => (alive ? kind()(said, stream) : undefined));
    const attached = client({ addresses: [hung.address], deadlineMs: 20_000 });
    await attached.ready(20_000);
    alive = false;
    await until(() => attached.metrics().stream_ends > 0);
    expect(attached.metrics().streams_up).toBe(0);
    alive = true;
    expect(await attached.decide(query)).toMatchObject({ allow: true });
  });

  it("is no reason to go on with what was remembered", async () => {
    const node = await service(kind());
    const attached = client({ addresses: [node.address], deadlineMs: 100 });
    await attached.ready(20_000);
    await attached.decide(query);
    expect(attached.decide(query)).toMatchObject({ allow: true, cached: true });
    await node[Symbol.asyncDispose]();
    await until(() => attached.metrics().streams_up === 0);
    expect(await attached.decide(query)).toMatchObject({ allow: false, reason: "internal_error" });
  });
});

describe("a session whose connect another node has answered", () => {
  const node = (epoch: string, decision: Partial<wire.Decision> = {}): Handler => {
    const inner = kind({ decision: wireAllow(decision), usable_ms: 0 });
    return (said, stream) => {
      const answer = inner(said, stream);
      return answer?.$case === "welcome" ? { ...answer, value: { ...answer.value, epoch } } : answer;
    };
  };
  const connects = ({ heard }: TestBrokerService): number =>
    heard.filter(
      (said) => said.$case === "checks" && said.value.items.some(({ check }) => check?.$case === "connect"),
    ).length;

  it("is asked about again where it is announced: that node may know more than its order of changes tells", async () => {
    const first = await service(node("a"));
    const second = await service(node("b", { allow: false, reason: "device_quarantined" }));
    const attached = client({ addresses: [first.address, second.address], deadlineMs: 60_000 });
    await attached.ready(20_000);
    await until(() => attached.metrics().streams_up === 2);
    // A device that is the first node's.
    let device = 0;
    let connect = await attached.decide({ kind: "connect", subject: subjectOf(device) });
    while (!connect.allow) connect = await attached.decide({ kind: "connect", subject: subjectOf(++device) });
    const before = connects(second);
    await first[Symbol.asyncDispose]();
    await until(() => attached.metrics().streams_up === 1);
    // Who has its place says nothing: a connection that fails would be a reason of its own to ask about every session.
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    silent.listen(Number(first.address.split(":")[1]), "127.0.0.1");
    await until(() => sockets.length > 0);
    const { stream_ends } = attached.metrics();
    const ended: string[] = [];
    attached.session({
      subject: subjectOf(device),
      connect,
      onEnd: (why) => ended.push(why),
      onRevoked: () => {},
    });
    await until(() => ended.length > 0);
    expect(attached.metrics().stream_ends).toBe(stream_ends);
    expect(ended).toEqual(["device_quarantined"]);
    expect(connects(second)).toBe(before + 1);
    await until(() => attached.metrics().sessions === 0);
    expect(attached.metrics().sessions_ended).toBe(1);
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it("is not, where it is the same node: what changed since is told", async () => {
    const only = await service(node("a"));
    const attached = client({ addresses: [only.address], deadlineMs: 20_000 });
    await attached.ready(20_000);
    const subject = subjectOf(0);
    const connect = await attached.decide({ kind: "connect", subject });
    attached.session({ subject, connect, onEnd: () => {}, onRevoked: () => {} });
    await until(() => only.heard.some(({ $case }) => $case === "opened"));
    await attached.decide(query);
    expect(connects(only)).toBe(1);
  });
});

describe("a service that is overloaded", () => {
  it("is answered with `rate_limited` and a time to come back, not with waiting", async () => {
    const { address } = await service((said, stream) => {
      if (said.$case !== "checks") return kind()(said, stream);
      stream.emit("error", { code: status.RESOURCE_EXHAUSTED, details: "too much" });
      return undefined;
    });
    const told: Fault[] = [];
    const hear = (news: unknown): void => void told.push((news as { error: Fault }).error);
    channel("sallyport:client:denied").subscribe(hear);
    const attached = client({ addresses: [address], deadlineMs: 10_000 });
    await attached.ready(20_000);
    const decision = await attached.decide(query);
    channel("sallyport:client:denied").unsubscribe(hear);
    expect(decision).toMatchObject({
      allow: false,
      reason: "rate_limited",
      obligations: { retry_after_s: 1 },
    });
    expect(told.map(({ code }) => code)).toEqual(["overloaded"]);
  });
});

describe("a service that talks nonsense", () => {
  it("allows nothing", async () => {
    const odd: Handler[] = [
      kind({ decision: undefined }),
      kind({ decision: wireAllow({ reason: "whatever" }) }),
      kind({ decision: wireAllow({ allow: false, reason: "ok" }) }),
      (said, stream) =>
        said.$case === "checks"
          ? {
              $case: "results",
              value: { batch_id: said.value.batch_id, position: 0, results: [], once_ms: 0 },
            }
          : kind()(said, stream),
    ];
    for (const handler of odd) {
      const { address } = await service(handler);
      const attached = client({ addresses: [address], deadlineMs: 5000 });
      await attached.ready(20_000);
      expect(await attached.decide(query)).toMatchObject({ allow: false, reason: "internal_error" });
    }
  });

  it("is believed nothing before it has granted a lease", async () => {
    const { address } = await service((said, stream) =>
      said.$case === "renew" ? undefined : said.$case === "hello" ? welcome : kind()(said, stream),
    );
    const attached = client({ addresses: [address], deadlineMs: 300 });
    await until(() => attached.metrics().streams_up === 1);
    expect(await attached.decide(query)).toMatchObject({ allow: false, reason: "internal_error" });
  });
});

describe("going on without any node", () => {
  async function granted(failModes: AttachOptions["failModes"]) {
    const clock = new ManualClock(1_800_000_000);
    const node = await service(kind({ fail_static_ms: 60_000 }));
    const attached = client({
      addresses: [node.address],
      deadlineMs: 100,
      clock,
      ...(failModes === undefined ? {} : { failModes }),
    });
    await attached.ready(20_000);
    await attached.decide(query);
    return { attached, clock, node };
  }
  const lost = async (attached: Attached, node: TestBrokerService): Promise<void> => {
    await node[Symbol.asyncDispose]();
    await until(() => attached.metrics().streams_up === 0);
  };

  it("lasts as long as the service has granted, for that kind and question only", async () => {
    const { attached, clock, node } = await granted({ publish: "static" });
    const subscribe = { kind: "subscribe", subject: query.subject, filter: query.topic, qos: 0 } as const;
    await attached.decide(subscribe);
    expect(attached.decide(subscribe)).toMatchObject({ allow: true });
    expect(node.heard[0]).toMatchObject({ value: { fail_static: ["publish"] } });
    await lost(attached, node);
    clock.advance(59);
    expect(attached.decide(query)).toMatchObject({ allow: true, cached: true });
    expect(attached.metrics().static_hits).toBe(1);
    expect(attached.decide(subscribe)).toBeInstanceOf(Promise);
    expect(await attached.decide(publishOf(subjectOf(0), "ops/other"))).toMatchObject({ allow: false });
    expect(await attached.decide({ kind: "connect", subject: query.subject })).toMatchObject({
      allow: false,
    });
    clock.advance(2);
    expect(await attached.decide(query)).toMatchObject({ allow: false, reason: "internal_error" });
  });

  it("ends by the wall clock where the monotonic one stood still", async () => {
    const { attached, clock, node } = await granted({ publish: "static" });
    await lost(attached, node);
    clock.setWall(1_800_000_059);
    expect(attached.decide(query)).toMatchObject({ allow: true });
    clock.setWall(1_800_000_061);
    expect(attached.decide(query)).toBeInstanceOf(Promise);
  });

  it("is not done where nobody chose it, nor while a stream is up whose lease is dead", async () => {
    const closed = await granted(undefined);
    await lost(closed.attached, closed.node);
    expect(closed.attached.decide(query)).toBeInstanceOf(Promise);
    const { attached, clock } = await granted({ publish: "static" });
    clock.advance(2);
    expect(attached.decide(query)).toBeInstanceOf(Promise);
  });

  it("ends when any node is reached again: everything is asked again", async () => {
    const { attached, node } = await granted({ publish: "static" });
    await lost(attached, node);
    expect(attached.decide(query)).toMatchObject({ allow: true });
    const denying = kind({
      decision: wireAllow({ allow: false, reason: "device_quarantined" }),
      usable_ms: 0,
    });
    await service(denying, Number(node.address.split(":")[1]));
    await until(() => attached.metrics().streams_up === 1);
    expect(attached.decide(query)).toBeInstanceOf(Promise);
    await attached.ready(20_000);
    expect(attached.metrics().subjects).toBe(0);
  });

  it("cannot be chosen for other kinds", () => {
    for (const each of ["connect", "command", "ota", "consume"] as const)
      expect(() => attach({ addresses: ["127.0.0.1:1"], failModes: { [each]: "static" } })).toThrow(each);
  });
});
