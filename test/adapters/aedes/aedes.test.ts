import type { MqttClient } from "mqtt";
import { describe, expect, it } from "vitest";
import { type AedesOptions, aedesHooks } from "../../../src/adapters/aedes/aedes.ts";
import { nowhere } from "../../../src/adapters/aedes/from-decision.ts";
import type { Query } from "../../../src/decision/query.ts";
import { after, allowed, denied, RecordingDecider, type Rule } from "../recording-decider.ts";
import { connack, eventually, openBroker, type TestBroker } from "./broker.ts";

const ops = "t/acme/d/meter-001/ops/power";
const hv = "t/acme/d/meter-001/hv/key";
const isHv = (query: Query): boolean => query.kind === "publish" && query.topic === hv;

async function withBroker(
  rule: Rule,
  options: Partial<AedesOptions>,
  use: (broker: TestBroker, decider: RecordingDecider) => Promise<void>,
): Promise<void> {
  const decider = new RecordingDecider(rule);
  const broker = await openBroker({ decider, ...options });
  try {
    await use(broker, decider);
  } finally {
    await broker[Symbol.asyncDispose]();
  }
}

/** Topics that arrive at a client. */
function inbox(client: MqttClient): string[] {
  const topics: string[] = [];
  client.on("message", (topic) => topics.push(topic));
  return topics;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const message = (topic: string, qos: 0 | 1 | 2 = 1, retain = false) =>
  ({ cmd: "publish", topic, payload: "x", qos, retain, dup: false }) as const;

describe("a refused publish", () => {
  for (const qos of [0, 1, 2] as const) {
    it(`is acknowledged and reaches nobody with QoS ${qos}, where denied publishes are dropped`, async () => {
      const rule: Rule = (query) => (isHv(query) ? denied("topic_stream_not_allowed") : allowed());
      await withBroker(rule, { onDeniedPublish: "drop" }, async (broker) => {
        const spy = broker.client({ clientId: "spy" });
        await connack(spy);
        const arrived = inbox(spy);
        await spy.subscribeAsync(["#", "$SYS/#", nowhere], { qos: 2 });
        const device = broker.client();
        await connack(device);
        await device.publishAsync(hv, "secret", { qos, retain: true });
        await device.publishAsync(ops, "42", { qos });
        expect(await eventually(() => arrived.includes(ops), 1000)).toBe(true);
        expect(arrived.filter((topic) => topic === hv || topic === nowhere)).toEqual([]);
        expect(device.connected).toBe(true);
        const late = broker.client({ clientId: "late" });
        await connack(late);
        const retained = inbox(late);
        await late.subscribeAsync(["#", "$SYS/#"], { qos: 1 });
        await pause(50);
        expect(retained.filter((topic) => topic === hv || topic === nowhere)).toEqual([]);
      });
    });
  }

  it("closes the connection by default [MQTT-3.3.5-2]", async () => {
    await withBroker(
      (query) => (isHv(query) ? denied("topic_stream_not_allowed") : allowed()),
      {},
      async (broker) => {
        const device = broker.client();
        await connack(device);
        const closed = new Promise<void>((resolve) => device.once("close", () => resolve()));
        device.publish(hv, "secret", { qos: 1 });
        await closed;
        expect(broker.seen).not.toContain(hv);
      },
    );
  });
});

describe("a CONNECT", () => {
  it("is refused with the return code of its reason", async () => {
    const cases = [
      ["facts_stale", 3],
      ["credential_missing", 4],
      ["device_unknown", 5],
    ] as const;
    for (const [reason, code] of cases) {
      await withBroker(
        () => denied(reason),
        {},
        async (broker) => expect(await connack(broker.client())).toBe(code),
      );
    }
  });

  it("carries the client id that the broker made up for an empty one", async () => {
    await withBroker(
      () => allowed(),
      {},
      async (broker, decider) => {
        await connack(broker.client({ clientId: "" }));
        expect(decider.of("connect")[0]?.subject.client_id).toMatch(/.+/);
      },
    );
  });

  it("that is denied with `disconnect` has the earlier session judged, which ends only by its own denial", async () => {
    for (const revoked of [true, false]) {
      let connects = 0;
      const rule: Rule = (query) => {
        if (query.kind !== "connect") return allowed();
        connects += 1;
        if (connects === 1) return allowed();
        if (connects === 2) return denied("credential_revoked", { disconnect: true });
        return revoked ? denied("credential_revoked", { disconnect: true }) : allowed();
      };
      await withBroker(rule, {}, async (broker) => {
        const first = broker.client();
        await connack(first);
        expect(await connack(broker.client())).toBe(5);
        await eventually(() => connects === 3 && first.connected !== revoked, 500);
        expect(first.connected).toBe(!revoked);
      });
    }
  });

  it("is refused where `preConnect` is missing, and after `detach`", async () => {
    const decider = new RecordingDecider();
    const hooks = aedesHooks({ decider });
    const client = { id: "meter-001", closed: false, conn: { once: () => {} }, close() {}, unsubscribe() {} };
    const outcome = await new Promise((resolve) =>
      hooks.authenticate(client, undefined, undefined, (error, success) =>
        resolve([error?.returnCode, success]),
      ),
    );
    expect(outcome).toEqual([3, null]);
    await withBroker(
      () => allowed(),
      {},
      async (broker) => {
        broker.hooks.detach();
        expect(await connack(broker.client())).not.toBe(0);
      },
    );
    expect(decider.asked).toEqual([]);
  });
});

describe("a session", () => {
  it("is never begun for a client that left before the answer came", async () => {
    const slow: Rule = (query) => (query.kind === "connect" ? after(80, allowed()) : allowed());
    await withBroker(slow, {}, async (broker, decider) => {
      const device = broker.client();
      const answered = connack(device);
      await eventually(() => decider.of("connect").length === 1, 500);
      device.stream.destroy();
      await answered;
      await pause(120);
      await broker.hooks.recheck();
      expect(decider.of("connect")).toHaveLength(1);
    });
  });

  it("is kept by a denial that passes by itself, even one that says `disconnect`", async () => {
    const rule: Rule = (query) =>
      query.kind === "publish" ? denied("facts_stale", { disconnect: true, retry_after_s: 1 }) : allowed();
    await withBroker(rule, {}, async (broker) => {
      const device = broker.client();
      await connack(device);
      await device.publishAsync(ops, "42", { qos: 1 });
      await pause(50);
      expect(device.connected).toBe(true);
      expect(broker.seen).not.toContain(ops);
    });
  });
});

describe("a last will", () => {
  const will = { topic: hv, payload: Buffer.from("gone"), qos: 1, retain: false } as const;

  it("is judged at connect, and again when it fires, with the session's subject", async () => {
    for (const fires of [true, false]) {
      await withBroker(
        (query) => (isHv(query) && !fires ? denied("device_quarantined") : allowed()),
        {},
        async (broker, decider) => {
          const device = broker.client({ will });
          await connack(device);
          const [connect] = decider.of("connect");
          expect(connect?.will).toEqual({ topic: hv, qos: 1, retain: false });
          device.stream.destroy();
          await eventually(() => decider.of("publish").length === 1, 1000);
          expect(decider.of("publish")[0]?.subject).toBe(connect?.subject);
          await pause(50);
          expect(broker.seen.includes(hv)).toBe(fires);
        },
      );
    }
  });

  it("without a session goes nowhere, and is not an error", async () => {
    const hooks = aedesHooks({ decider: new RecordingDecider() });
    const packet = { ...message(hv, 1, true), payload: Buffer.from("gone") };
    const error = await new Promise((resolve) => hooks.authorizePublish(null, packet, resolve));
    expect(error).toBeNull();
    expect(packet).toMatchObject({ topic: nowhere, retain: false, payload: Buffer.alloc(0) });
  });
});

describe("publishes of one session", () => {
  it("are applied in the order of arrival, whatever the order of the answers [MQTT-4.6.0-6]", async () => {
    let delay = 60;
    const rule: Rule = (query) => {
      delay -= 10;
      return query.kind !== "publish" || delay <= 0 ? allowed() : after(delay, allowed());
    };
    await withBroker(rule, {}, async (broker) => {
      const device = broker.client();
      await connack(device);
      for (let at = 0; at < 8; at++) device.publish(`${ops}/${at}`, "x", { qos: 1 });
      await eventually(() => broker.seen.includes(`${ops}/7`), 1000);
      expect(broker.seen.filter((topic) => topic.startsWith(ops)).map((topic) => topic.at(-1))).toEqual(
        "01234567".split(""),
      );
    });
  });

  it("are slowed down to the rate class, and refused where that would take too long", async () => {
    const rates = { standard: { perSecond: 20, burst: 2 } };
    const rule: Rule = (query) => allowed(query.kind === "connect" ? { rate_class: "standard" } : {});
    await withBroker(rule, { rates, maxDelayMs: 120 }, async (broker, decider) => {
      const device = broker.client();
      await connack(device);
      const start = performance.now();
      for (let at = 0; at < 6; at++) device.publish(`${ops}/${at}`, "x", { qos: 0 });
      await eventually(() => broker.seen.includes(`${ops}/3`), 1000);
      expect(performance.now() - start).toBeGreaterThan(80);
      await pause(100);
      // Two at once, two after 50 and 100 ms, two that would have waited too long.
      expect(broker.seen.filter((topic) => topic.startsWith(ops))).toHaveLength(4);
      expect(decider.of("publish")).toHaveLength(4);
      expect(device.connected).toBe(true);
    });
  });

  it("are refused with a rate class that nobody knows", async () => {
    await withBroker(
      () => allowed({ rate_class: "constructor" }),
      {},
      async (broker) => expect(await connack(broker.client())).toBe(5),
    );
  });
});

describe("deliveries", () => {
  const filter = "t/acme/d/meter-001/cmd/#";
  const topic = "t/acme/d/meter-001/cmd/reboot";

  it("end with the next message where the decider is asked each time", async () => {
    let granted = true;
    const rule: Rule = (query) =>
      query.kind === "subscribe" && !granted ? denied("device_quarantined") : allowed();
    await withBroker(rule, { deliveries: "asked" }, async (broker) => {
      const device = broker.client();
      await connack(device);
      const arrived = inbox(device);
      await device.subscribeAsync(filter, { qos: 1 });
      broker.aedes.publish(message(`${topic}/1`), () => {});
      expect(await eventually(() => arrived.length === 1, 500)).toBe(true);
      granted = false;
      broker.aedes.publish(message(`${topic}/2`), () => {});
      await pause(50);
      expect(arrived).toEqual([`${topic}/1`]);
    });
  });

  it("are withheld when the grant has run out, until it is given anew", async () => {
    let now = 1000;
    const clock = { now: () => now, wallMs: () => now * 1000, monotonicMs: () => performance.now() };
    await withBroker(
      () => allowed({}, { valid_until: 1060 }),
      { clock },
      async (broker) => {
        const device = broker.client();
        await connack(device);
        const arrived = inbox(device);
        await device.subscribeAsync(filter, { qos: 1 });
        now = 1060;
        broker.aedes.publish(message(`${topic}/1`), () => {});
        await pause(50);
        expect(arrived).toEqual([]);
        now = 1059;
        await broker.hooks.recheck("meter-001");
        broker.aedes.publish(message(`${topic}/2`), () => {});
        expect(await eventually(() => arrived.length === 1, 500)).toBe(true);
      },
    );
  });

  it("end at a recheck that no longer grants the filter, while others and the session stay", async () => {
    let granted = true;
    const rule: Rule = (query) =>
      query.kind === "subscribe" && query.filter === filter && !granted
        ? denied("device_quarantined")
        : allowed();
    await withBroker(rule, {}, async (broker) => {
      const device = broker.client();
      await connack(device);
      const arrived = inbox(device);
      await device.subscribeAsync([filter, "t/acme/d/meter-001/mgmt/#"], { qos: 1 });
      granted = false;
      await broker.hooks.recheck();
      broker.aedes.publish(message(topic), () => {});
      broker.aedes.publish(message("t/acme/d/meter-001/mgmt/x"), () => {});
      await eventually(() => arrived.length > 0, 500);
      await pause(50);
      expect(arrived).toEqual(["t/acme/d/meter-001/mgmt/x"]);
      const [client] = Object.values((broker.aedes as unknown as { clients: object }).clients);
      expect(Object.keys(client.subscriptions)).toEqual(["t/acme/d/meter-001/mgmt/#"]);
      expect(device.connected).toBe(true);
    });
  });

  it("of a stored session never include a filter that was denied", async () => {
    // With `clean: false` Aedes stores all filters of a SUBSCRIBE, denied ones included.
    const foreign = "t/acme/d/meter-002/ops/#";
    const rule: Rule = (query) =>
      query.kind === "subscribe" && query.filter === foreign ? denied("topic_out_of_scope") : allowed();
    await withBroker(rule, {}, async (broker) => {
      const options = { clean: false } as const;
      const device = broker.client(options);
      await connack(device);
      await device.subscribeAsync([filter, foreign], { qos: 1 }).catch(() => {});
      await device.endAsync();
      broker.aedes.publish(message("t/acme/d/meter-002/ops/power"), () => {});
      broker.aedes.publish(message(topic), () => {});
      await pause(50);
      const again = broker.client(options);
      const arrived = inbox(again);
      await connack(again);
      await eventually(() => arrived.length > 0, 500);
      await pause(50);
      expect(arrived).toEqual([topic]);
    });
  });

  it("are bounded: a session has at most so many filters", async () => {
    await withBroker(
      () => allowed(),
      { maxFilters: 2 },
      async (broker) => {
        const device = broker.client();
        await connack(device);
        const subscribe = async (name: string) =>
          (await device.subscribeAsync(name, { qos: 0 }).catch(() => []))[0]?.qos ?? 128;
        expect(await subscribe("a")).toBe(0);
        expect(await subscribe("b")).toBe(0);
        expect(await subscribe("c")).toBe(128);
        await device.unsubscribeAsync("a");
        expect(await subscribe("c")).toBe(0);
      },
    );
  });
});

describe("a gateway's connection", () => {
  it("speaks for the device of the topic, on its own proof", async () => {
    const isGateway = (client: { id: string }): boolean => client.id.startsWith("gw-");
    await withBroker(
      () => allowed(),
      { isGateway },
      async (broker, decider) => {
        const gateway = broker.client({ clientId: "gw-1", username: "gw-1", password: Buffer.from("pw") });
        await connack(gateway);
        await gateway.publishAsync("t/acme/d/leaf-7/ops/x", "1", { qos: 1 });
        await gateway.publishAsync("t/acme/d/gw-1/ops/x", "1", { qos: 1 });
        await gateway.subscribeAsync("$share/g/t/acme/d/leaf-7/cmd/#", { qos: 1 });
        await gateway.subscribeAsync("t/acme/d/+/cmd/#", { qos: 1 });
        const own = decider.of("connect")[0]?.subject;
        expect(own).toEqual({ client_id: "gw-1", proof: { type: "secret", name: "gw-1", secret: "pw" } });
        const leaf = {
          client_id: "",
          proof: null,
          device_id: "leaf-7",
          via: { gateway_id: "gw-1", proof: own?.proof },
        };
        const published = decider.of("publish").map((query) => query.subject);
        const subscribed = decider.of("subscribe").map((query) => query.subject);
        expect(published[0]).toEqual(leaf);
        expect(published[1]).toBe(own);
        expect(subscribed[0]).toBe(published[0]);
        expect(subscribed[1]).toBe(own);
        const plain = broker.client();
        await connack(plain);
        await plain.publishAsync("t/acme/d/leaf-7/ops/x", "1", { qos: 1 });
        expect(decider.of("publish")[2]?.subject).toEqual({ client_id: "meter-001", proof: null });
      },
    );
  });
});
