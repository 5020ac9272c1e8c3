/** A client that goes on without any node, against a whole service whose policy grants it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { type Attached, attach } from "../../src/client/client.ts";
import type { Decision } from "../../src/decision/decision.ts";
import { releaseOf } from "../bundle/releases.ts";
import { TcpProxy } from "../faults/tcp-proxy.ts";
import { type Fleet, makeFleet, publishOf, serveFleet, subjectOf, until } from "./attached.ts";

const grantedS = 10;
let fleet: Fleet;
let app: App;
let proxy: TcpProxy;
let client: Attached;

beforeAll(async () => {
  const archive = await releaseOf(1_000_000, {
    data: ({ site }) => {
      site["fail_static_s"] = { publish: grantedS, subscribe: grantedS };
    },
  });
  fleet = makeFleet(3, { bundle: { file: "bundle.tar.gz", unsigned: "allow" } });
  writeFileSync(join(fleet.folder, "bundle.tar.gz"), archive);
  app = await serveFleet(fleet);
  proxy = await TcpProxy.start(Number(app.grpcAddress.split(":").at(-1)));
  client = attach({
    addresses: [proxy.address],
    name: "alone",
    deadlineMs: 500,
    failModes: { publish: "static", subscribe: "static" },
  });
  await client.ready(30_000);
}, 120_000);

afterAll(async () => {
  proxy?.release();
  await client?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await app?.close();
  fleet?.[Symbol.dispose]();
});

async function withdraw(id: string) {
  const before = app.attachments.position;
  fleet.write({ [id]: { state: { quarantine: { active: true } } } });
  await app.reload();
  return app.attachments.receipt(before);
}

describe("going on without any node, where the policy grants it", { timeout: 120_000 }, () => {
  it("is granted for what is not sensitive, and only there", async () => {
    const granted = async (stream: string): Promise<number | undefined> =>
      (await client.decide(publishOf(subjectOf(0), stream))).obligations.fail_static_s;
    expect(await granted("ops/temp")).toBe(grantedS);
    expect(await granted("hv/load")).toBeUndefined();
    const subscribe = { kind: "subscribe", subject: subjectOf(0), qos: 0 } as const;
    const cmd = await client.decide({ ...subscribe, filter: "t/acme/d/meter-0/cmd/#" });
    expect(cmd.obligations.fail_static_s).toBe(grantedS);
    const connect = await client.decide({ kind: "connect", subject: subjectOf(0) });
    expect(connect.obligations.fail_static_s).toBeUndefined();
  });

  it("makes nothing uncovered while the client acknowledges", async () => {
    await client.decide(publishOf(subjectOf(1)));
    expect(await withdraw("meter-1")).toMatchObject({ complete: true, fenced: [], uncovered: [] });
  });

  it("is in the receipt, with its end, and ends by then", async () => {
    const [sensitive, query] = [publishOf(subjectOf(2), "hv/load"), publishOf(subjectOf(2))];
    const remembered = async (): Promise<Decision> => {
      const first = await client.decide(query);
      await client.decide(sensitive);
      return first;
    };
    expect((await remembered()).allow).toBe(true);
    proxy.hold();
    const receipt = await withdraw("meter-2");
    const [promise] = receipt.uncovered;
    expect(receipt).toMatchObject({
      complete: true,
      evicted: [],
      fenced: [{ client: "alone/0" }],
      uncovered: [{ device: "meter-2" }],
    });
    const until_s = promise?.may_allow_until ?? 0;
    expect(until_s).toBeGreaterThan(Date.now() / 1000);
    await until(() => client.metrics().streams_up === 0);
    // It does what it was granted, and not a moment longer.
    let allowed = 0;
    while (Date.now() / 1000 < until_s) {
      const decision = client.decide(query);
      if (!(decision instanceof Promise) && decision.allow) allowed += 1;
      expect((await client.decide(sensitive)).allow).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(allowed).toBeGreaterThan(0);
    expect(client.metrics().static_hits).toBeGreaterThanOrEqual(allowed);
    expect((await client.decide(query)).allow).toBe(false);
    const later = app.attachments.receiptNow(app.attachments.position - 1);
    expect(later.uncovered).toEqual([]);
  });
});
