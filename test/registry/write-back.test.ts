import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { NatsNode } from "../../src/nats/nats-node.ts";
import { DutyLedger } from "../../src/registry/duty-ledger.ts";
import { WriteBack } from "../../src/registry/write-back.ts";
import type { KeyValue } from "../../src/runtime/ports.ts";
import { describeWithNats, NatsServer } from "../nats.ts";
import { claimOf, device, now } from "./records.ts";

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  let met = await condition();
  for (let waited = 0; waited < 15_000 && !met; waited += 20) {
    await sleep(20);
    met = await condition();
  }
  expect(met).toBe(true);
}

describeWithNats("duties written back into the bucket of the records", () => {
  let server: NatsServer;
  let node: NatsNode;
  let bucket: KeyValue;
  let ledger: DutyLedger;
  let dir: string;
  let back: WriteBack;

  const { credential } = claimOf("a");
  const put = (id: string, over: object = {}): Promise<number> =>
    bucket.put(`device:${id}`, new TextEncoder().encode(JSON.stringify({ ...device(id), ...over })));
  const read = async (id: string) => {
    const entry = await bucket.get(`device:${id}`);
    return { ...JSON.parse(new TextDecoder().decode(entry?.value)), at: entry?.revision } as ReturnType<
      typeof device
    > & { at: number; later?: number };
  };

  beforeEach(async () => {
    dir = mkdtempSync(path.join(tmpdir(), "sallyport-back-"));
    server = await NatsServer.start();
    node = await NatsNode.connect({ servers: [server.url], retryMs: 50, timeoutMs: 1000 });
    bucket = await node.keyValue("facts");
    ledger = await DutyLedger.open(dir);
  });
  afterEach(async () => {
    await back[Symbol.asyncDispose]();
    await ledger[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  it("keeps the rest of the record, also what this release does not know, and writes nothing twice", {
    timeout: 60_000,
  }, async () => {
    await put("a", { later: 7, credentials: { "fp-claim": credential } });
    await put("b");
    back = new WriteBack({ open: async () => bucket, ledger });
    await ledger.markReentry("a", now);
    await ledger.spendClaim("fp-claim", "a");
    await until(async () => (await read("a")).credentials["fp-claim"]?.claim?.used === true);
    const record = await read("a");
    expect(record).toMatchObject({ later: 7, class: "meter", state: { reentry_required_since: now } });
    await ledger.markReentry("a", now - 5);
    await ledger.markReentry("nobody", now);
    await until(() => back.due === 0);
    expect((await read("a")).at).toBe(record.at);
    expect((await read("b")).at).toBeLessThan(record.at);
  });

  it("never overwrites a change of the source that comes in between", { timeout: 60_000 }, async () => {
    await put("a");
    let meddled = false;
    const meddling: KeyValue = {
      ...({} as KeyValue),
      get: async (key) => {
        const entry = await bucket.get(key);
        if (!meddled) await put("a", { hw_rev: "r9" });
        meddled = true;
        return entry;
      },
      putIf: (...call) => bucket.putIf(...call),
    };
    back = new WriteBack({ open: async () => meddling, ledger });
    await ledger.markReentry("a", now);
    await until(async () => (await read("a")).state.reentry_required_since === now);
    expect((await read("a")).hw_rev).toBe("r9");
  });

  it("is made up for after a restart, and after the server was away", { timeout: 60_000 }, async () => {
    await put("a");
    await ledger.markReentry("a", now);
    await server.stop();
    back = new WriteBack({ open: () => node.keyValue("facts"), ledger, retryMs: 50 });
    await until(() => back.fault !== undefined);
    await server.restart();
    await until(async () => (await read("a").catch(() => device("a"))).state.reentry_required_since === now);
  });
});
