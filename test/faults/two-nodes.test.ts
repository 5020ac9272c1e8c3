/** Two whole services over one NATS server: what is withdrawn at one is withdrawn at the other. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { attach } from "../../src/client/client.ts";
import type { PublishQuery } from "../../src/decision/query.ts";
import { sallyport } from "../cli/run.ts";
import { type Fleet, makeFleet, publishOf, serveFleet, subjectOf } from "../client/attached.ts";
import { describeWithNats, NatsServer } from "../nats.ts";
import { TcpProxy } from "./tcp-proxy.ts";

interface Node {
  readonly app: App;
  readonly fleet: Fleet;
  readonly proxy: TcpProxy;
}

describeWithNats("two services that share overrides", () => {
  let server: NatsServer;
  const nodes: Node[] = [];

  async function start(more: object = {}): Promise<Node> {
    const proxy = await TcpProxy.start(Number(server.url.split(":")[1]));
    const fleet = makeFleet(4, {
      nats: { servers: [proxy.address] },
      overrides: { initialize: true, nats: {}, node_lease_s: 2, hard_s: 6, ...more },
    });
    const node = { app: await serveFleet(fleet), fleet, proxy };
    nodes.push(node);
    await until(() => node.app.missing().length === 0);
    return node;
  }
  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    let met = await condition();
    for (let waited = 0; waited < 25_000 && !met; waited += 50) {
      await sleep(50);
      met = await condition();
    }
    expect(met).toBe(true);
  }
  const reason = async ({ app }: Node, query: PublishQuery): Promise<string> =>
    (await app.decider("broker").decide(query)).reason;
  const run = (node: Node, ...args: readonly string[]) =>
    sallyport([...args, "--address", node.app.grpcAddress]);

  beforeEach(async () => {
    server = await NatsServer.start();
  });
  afterEach(async () => {
    for (const { app, fleet, proxy } of nodes.splice(0)) {
      proxy.release();
      await app.close();
      await proxy[Symbol.asyncDispose]();
      fleet[Symbol.dispose]();
    }
    await server[Symbol.asyncDispose]();
  });

  it("decide alike; one that is cut off contains, trusts less, and is one with the other when healed", {
    timeout: 120_000,
  }, async () => {
    const [one, two] = [await start(), await start()];
    const [first, second] = [publishOf(subjectOf(0)), publishOf(subjectOf(1))];
    expect([await reason(one, first), await reason(two, first)]).toEqual(["ok", "ok"]);
    const set = await run(one, "quarantine", "meter-0", "--reason", "INC-7");
    expect(set.stdout).toMatch(/^in force \(fleet\): o-[0-9a-f]{8}-1 quarantine/);
    // Its receipt names the other node, by what that has done.
    const known = await run(one, "quarantine", "meter-3", "--reason", "INC-7", "--wait");
    expect(known.stdout).toMatch(/^in force at node [0-9a-f]{8}; its clients act within one lease$/m);
    expect([known.code, known.stdout]).toEqual([
      0,
      expect.stringMatching(/covered: nobody decides on older facts\n$/),
    ]);
    expect(await reason(two, publishOf(subjectOf(3)))).toBe("device_quarantined");
    await until(async () => (await reason(two, first)) === "device_quarantined");
    expect((await run(two, "override", "list")).stdout).toMatch(
      /^shared with other nodes[\s\S]*device meter-0/,
    );

    two.proxy.hold();
    const unheard = await run(one, "quarantine", "meter-0", "--mode", "block", "--reason", "INC-7");
    expect(unheard.code).toBe(0);
    const cut = await run(
      one,
      "override",
      "set",
      "signal",
      "device:meter-3",
      "--signal",
      "x",
      "--reason",
      "INC-7",
      "--wait",
    );
    expect(cut.code).toBe(1);
    const silent =
      /^UNREACHABLE: node [0-9a-f]{8}; its clients may trust older answers until (\S+Z), itself may decide without it until (\S+Z)$/m;
    const [, leases = "", decides = ""] = silent.exec(cut.stdout) ?? [];
    // The wait has ended because no client of it can trust what it remembers any more.
    expect(Date.parse(leases)).toBeLessThanOrEqual(Date.now());
    expect(Date.parse(decides)).toBeGreaterThan(Date.parse(leases));
    const local = await run(two, "quarantine", "meter-1", "--reason", "INC-8");
    expect(local.stdout).toMatch(/^in force \(local\)/);
    expect([await reason(two, second), await reason(one, second)]).toEqual(["device_quarantined", "ok"]);
    const third = publishOf(subjectOf(2));
    // Its records are fresh, and do not hide that it is deaf: past the hard limit it decides nothing more.
    await until(async () => (await reason(two, third)) === "facts_stale");
    expect(two.app.missing()).toMatchObject([
      { name: "overrides", why: expect.stringContaining("other nodes") },
    ]);
    expect(await reason(one, third)).toBe("ok");
    const lift = await run(two, "override", "list");
    expect(lift.stdout).toMatch(/all of theirs known [6-9]|all of theirs known \d\d/);

    two.proxy.release();
    await until(async () => (await reason(one, second)) === "device_quarantined");
    await until(async () => two.app.missing().length === 0 && (await reason(two, third)) === "ok");
  });

  it("one that is cut off lets nobody remember its answers: a client asks each time, then is denied, then remembers again", {
    timeout: 120_000,
  }, async () => {
    const [one, two] = [await start({ hard_s: 8 }), await start({ hard_s: 8 })];
    const client = attach({ addresses: [two.app.grpcAddress], name: "deaf", deadlineMs: 20_000 });
    try {
      await client.ready(20_000);
      const [withdrawn, trusted] = [publishOf(subjectOf(0)), publishOf(subjectOf(1))];
      const remembered = async (query: PublishQuery): Promise<boolean> => {
        await client.decide(query);
        return !(client.decide(query) instanceof Promise);
      };
      await until(() => remembered(withdrawn));

      two.proxy.hold();
      const set = await run(one, "quarantine", "meter-0", "--reason", "INC-9");
      expect(set.stdout).toMatch(/^in force \(fleet\)/);
      // Its node has not heard of that. It grants no lease, and what the client has runs out.
      await until(() => client.decide(withdrawn) instanceof Promise);
      const { asked, hits } = client.metrics();
      const questions = [await client.decide(trusted), await client.decide(trusted)];
      expect(client.metrics()).toMatchObject({ asked: asked + 2, hits });
      // The node answers as old as it is: within the limits of the model yet, past its own hard limit no more.
      expect(questions.map(({ reason }) => reason)).toEqual(["ok", "ok"]);
      await until(async () => (await client.decide(trusted)).reason === "facts_stale");
      expect(await client.decide(withdrawn)).toMatchObject({ allow: false, reason: "facts_stale" });

      two.proxy.release();
      await until(async () => (await client.decide(withdrawn)).reason === "device_quarantined");
      await until(() => remembered(trusted));
      expect(client.decide(trusted)).toMatchObject({ allow: true, cached: true });
    } finally {
      await client[Symbol.asyncDispose]();
    }
  });
});
