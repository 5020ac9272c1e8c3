import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { NatsNode } from "../../src/nats/nats-node.ts";
import { DutyLedger } from "../../src/registry/duty-ledger.ts";
import { OverridePlane } from "../../src/registry/override-plane.ts";
import { Overrides } from "../../src/registry/overrides.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { sharedEffects } from "../../src/registry/shared-effects.ts";
import type { RecordReader } from "../../src/registry/stored-record.ts";
import { withOverrides } from "../../src/registry/with-overrides.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { TcpProxy } from "../faults/tcp-proxy.ts";
import { describeWithNats, NatsServer } from "../nats.ts";
import { device, now } from "./records.ts";

interface Site extends AsyncDisposable {
  readonly dir: string;
  readonly clock: ManualClock;
  readonly proxy: TcpProxy;
  readonly registry: Registry;
  readonly overrides: Overrides;
  readonly ledger: DutyLedger;
  readonly plane: OverridePlane;
  readonly records: RecordReader;
}

const wish = (id: string, over: object = {}) => ({
  kind: "quarantine" as const,
  target: { kind: "device" as const, id },
  mode: "block" as const,
  reason: "INC-7",
  by: "alice",
  ...over,
});

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < 20_000 && !condition(); waited += 20) await sleep(20);
  expect(condition()).toBe(true);
}

describeWithNats("overrides of two nodes", () => {
  let server: NatsServer;
  const sites: Site[] = [];
  const stopped = new Set<Site>();

  /** A node with a network of its own, which can be cut. */
  async function start(dir = mkdtempSync(path.join(tmpdir(), "sallyport-plane-"))): Promise<Site> {
    const clock = new ManualClock(now);
    const proxy = await TcpProxy.start(Number(server.url.split(":")[1]));
    const registry = await openRegistry({ memory: true, clock });
    const feed = registry.feed("test");
    await feed.snapshot({ asOfMs: clock.monotonicMs(), maxLostShare: 1 }, async (sink) => {
      sink.put({ key: "device:a", record: device("a") }, 1);
      return { trailer: true };
    });
    const overrides = await Overrides.open({
      dir: path.join(dir, "overrides"),
      initialize: true,
      clock,
      shared: true,
      reach: ({ id }) => [`device:${id}`],
      leavesMark: ({ kind }) => kind === "quarantine",
    });
    const ledger = await DutyLedger.open(path.join(dir, "duties"));
    let link: NatsNode | undefined;
    const plane = new OverridePlane({
      open: async () => {
        link ??= await NatsNode.connect({ servers: [proxy.address], retryMs: 50, timeoutMs: 500 });
        return link.keyValue("overrides");
      },
      overrides,
      ledger,
      clock,
      hardS: 600,
      nodeLeaseS: 10,
      leaseS: 1,
      bookmarkMs: 50,
      retryMs: 50,
      shareMs: 700,
    });
    overrides.plane = plane;
    const site: Site = {
      dir,
      clock,
      proxy,
      registry,
      overrides,
      ledger,
      plane,
      records: withOverrides(registry, overrides),
      async [Symbol.asyncDispose]() {
        if (stopped.has(site)) return;
        stopped.add(site);
        proxy.release();
        await plane[Symbol.asyncDispose]();
        await link?.[Symbol.asyncDispose]();
        await overrides[Symbol.asyncDispose]();
        await ledger[Symbol.asyncDispose]();
        await registry[Symbol.asyncDispose]();
        await proxy[Symbol.asyncDispose]();
      },
    };
    sites.push(site);
    return site;
  }
  /** A node that has heard the others. */
  async function heard(dir?: string): Promise<Site> {
    const site = await start(dir);
    await until(() => site.plane.ageS === 0);
    return site;
  }
  const quarantined = ({ records }: Site): boolean | undefined =>
    records.device("a")?.record?.state.quarantine.active;

  beforeEach(async () => {
    server = await NatsServer.start();
  });
  afterEach(async () => {
    for (const site of sites.splice(0)) await site[Symbol.asyncDispose]();
    stopped.clear();
    await server[Symbol.asyncDispose]();
  });

  it("are in force at both, with ids of their own, and gone at both; the need for evidence stays", {
    timeout: 60_000,
  }, async () => {
    const [one, two] = [await heard(), await heard()];
    const first = await one.overrides.set(wish("a"));
    const second = await two.overrides.set(wish("b", { reason: "INC-8" }));
    expect([first.scope, second.scope]).toEqual(["fleet", "fleet"]);
    expect(first.override.id).not.toBe(second.override.id);
    await until(() => quarantined(two) === true && one.overrides.list().length === 2);
    expect(two.overrides.get(first.override.id)).toEqual(first.override);
    const changes: unknown[] = [];
    one.overrides.onChange((change) => void changes.push(change));
    two.clock.advance(5);
    // Anybody may lift it; its end is in force where it was set.
    await two.overrides.lift(first.override.id, "bob", "mended");
    expect(two.overrides.get(first.override.id)).toBeUndefined();
    await until(() => quarantined(one) === false);
    expect(changes.at(-1)).toMatchObject({ scope: "records", keys: ["device:a"] });
    expect([one, two].map(({ overrides }) => overrides.lostSince("device:a"))).toEqual([now, now]);
  });

  it("reach a node that was away, and one that is new, as they are now", { timeout: 60_000 }, async () => {
    const [one, two] = [await heard(), await heard()];
    const gone = await one.overrides.set(wish("b"));
    await until(() => two.overrides.list().length === 1);
    const { dir } = two;
    await two[Symbol.asyncDispose]();
    await one.overrides.set(wish("a"));
    await one.overrides.lift(gone.override.id, "bob", "mended");
    for (const late of [await heard(dir), await heard()]) {
      expect(late.overrides.list().map(({ target }) => target.id)).toEqual(["a"]);
      expect(late.overrides.lostSince("device:b")).toBe(now);
    }
  });

  it("of a node that is cut off: contained here, trusted less and less, nothing given back, and one again when healed", {
    timeout: 90_000,
  }, async () => {
    const [one, two] = [await heard(), await heard()];
    const old = await one.overrides.set(wish("b"));
    await until(() => two.overrides.list().length === 1);
    two.proxy.hold();
    const local = await two.overrides.set(wish("a"));
    expect([local.scope, quarantined(two), quarantined(one)]).toEqual(["local", true, false]);
    await one.overrides.set(wish("a", { mode: "constrain" }));
    expect(two.plane.grantsLeases).toBe(true);
    two.clock.advance(11);
    expect([two.plane.ageS, two.plane.grantsLeases, one.plane.grantsLeases]).toEqual([11, false, true]);
    // A registry that is fresh does not hide it.
    const feed = two.registry.status();
    await two.registry
      .feed("other")
      .snapshot({ asOfMs: two.clock.monotonicMs(), maxLostShare: 1 }, async () => ({ trailer: true }));
    expect(feed.synced).toBe(true);
    expect(two.records.freshness()).toMatchObject({ synced: true, ageS: 11, watermark: now });
    await expect(two.overrides.lift(old.override.id, "bob", "mended")).rejects.toMatchObject({
      code: "unreachable",
    });
    expect(two.overrides.get(old.override.id)).toBeDefined();
    two.clock.advance(600);
    expect(two.records.freshness()).toMatchObject({ watermark: 0 });
    expect(two.plane.missing).toContain("not heard for more than 600 s");
    await one.overrides.lift(old.override.id, "bob", "mended");
    two.proxy.release();
    await until(() => two.overrides.list().length === 2 && one.overrides.list().length === 2);
    await until(() => two.plane.ageS === 0 && two.plane.missing === undefined);
    const of = ({ overrides }: Site) =>
      overrides
        .list()
        .map(({ id }) => id)
        .sort();
    expect(of(one)).toEqual(of(two));
    expect(of(one)).toContain(local.override.id);
  });

  it("outlive the server's store: what nodes hold is there again, and nobody is ever trusted meanwhile", {
    timeout: 90_000,
  }, async () => {
    const [one, two] = [await heard(), await heard()];
    await one.overrides.set(wish("a"));
    await until(() => quarantined(two) === true);
    const admin = await NatsNode.connect({ servers: [server.url] });
    const bucket = await admin.keyValue("overrides");
    for (const { id } of one.overrides.list()) await bucket.delete(`override:${id}`);
    await admin[Symbol.asyncDispose]();
    expect([quarantined(one), quarantined(two)]).toEqual([true, true]);
    await two[Symbol.asyncDispose]();
    await heard(two.dir);
    const fresh = await heard();
    await until(() => quarantined(fresh) === true);
  });

  it("end by time everywhere, with the mark", { timeout: 60_000 }, async () => {
    const [one, two] = [await heard(), await heard()];
    await one.overrides.set(wish("a", { expires_at: now + 60 }));
    await until(() => quarantined(two) === true);
    for (const { clock, overrides } of [one, two]) {
      clock.advance(61);
      await overrides.sweep();
    }
    expect([quarantined(one), quarantined(two)]).toEqual([false, false]);
    const late = await heard();
    await until(() => late.overrides.lostSince("device:a") === now + 60);
    expect(late.records.device("a")?.record?.state.reentry_required_since).toBe(now + 60);
  });

  it("spend a claim once, whichever node it is shown to, and no claim while they cannot ask", {
    timeout: 60_000,
  }, async () => {
    const [one, two] = [await heard(), await heard()];
    const effects = [one, two].map(({ ledger, plane }) => sharedEffects(ledger, plane));
    const spent = await Promise.all(effects.map((each) => each.spendClaim("fp-claim", "a")));
    expect(spent.filter(Boolean)).toHaveLength(1);
    await until(() => one.ledger.isSpent("fp-claim") && two.ledger.isSpent("fp-claim"));
    await effects[0]?.markReentry("a", now - 5);
    await until(() => two.ledger.reentrySince("a") === now - 5);
    two.proxy.hold();
    await expect(effects[1]?.spendClaim("fp-other", "a")).rejects.toMatchObject({
      code: expect.stringMatching(/unreachable|deadline/),
    });
    // A loss of trust is recorded, whoever can be told.
    await effects[1]?.markReentry("a", now + 5);
    expect(two.ledger.reentrySince("a")).toBe(now + 5);
    two.proxy.release();
    await until(() => one.ledger.reentrySince("a") === now + 5);
  });
});
