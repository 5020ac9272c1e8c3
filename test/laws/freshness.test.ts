import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Decision } from "../../src/decision/decision.ts";
import type { RecordKey } from "../../src/decision/facts.ts";
import type { Query } from "../../src/decision/query.ts";
import type { ReportRecord } from "../../src/decision/report.ts";
import type { Feed } from "../../src/registry/feed.ts";
import type { FeedChoice } from "../../src/registry/feed-choice.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import type { AnyRecord } from "../../src/registry/stored-record.ts";
import { withReports } from "../../src/registry/with-reports.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { releaseRecord } from "../releases.ts";
import { shippedSnapshot } from "../shipped.ts";

const start = 1_800_000_000;

const reportOf = (origin: ReportRecord["origin"], device: string): ReportRecord => {
  const base = { origin, device, tenant: "acme", told_at: start };
  if (origin === "verifier") return { ...base, attested_key: 2_004_001 };
  const { attested_key: _measured, ...firmware } = deviceRecord(device, start).firmware ?? never();
  return { ...base, firmware };
};
const never = (): never => {
  throw new Error("a healthy device has firmware");
};
const of = (tenant: string) => ({ tenant });

interface Source {
  readonly choice: FeedChoice;
  readonly records: readonly (readonly [RecordKey, AnyRecord])[];
}

/** Two fleets with an owner each, somebody who comes and goes, who appraises evidence, and devices that speak. */
const sources: Readonly<Record<string, Source>> = {
  acme: {
    choice: { tenants: ["acme"] },
    records: [
      ["tenant:acme", tenantRecord("acme")],
      ["firmware_policy:acme/meter", floorRecord("acme", "meter", start)],
      ["device:a1", deviceRecord("a1", start)],
      ["device:a2", deviceRecord("a2", start, { provenance: { firmware: "device" } })],
    ],
  },
  globex: {
    choice: { tenants: ["globex"] },
    records: [
      ["tenant:globex", tenantRecord("globex")],
      ["firmware_policy:globex/meter", floorRecord("globex", "meter", start)],
      ["device:g1", deviceRecord("g1", start, of("globex"))],
    ],
  },
  push: {
    choice: { awaited: false },
    records: [
      ["tenant:initech", tenantRecord("initech")],
      ["device:i1", deviceRecord("i1", start, of("initech"))],
      ["release:r1", releaseRecord("r1", "", start)],
    ],
  },
  verifier: {
    choice: { origin: "verifier", tenants: ["acme"] },
    records: [["report:verifier/a1", reportOf("verifier", "a1")]],
  },
  devices: {
    choice: { origin: "device", tenants: ["acme"] },
    records: [["report:device/a2", reportOf("device", "a2")]],
  },
};
const names = Object.keys(sources);
const tenants: Readonly<Record<string, string>> = {
  a1: "acme",
  a2: "acme",
  g1: "globex",
  i1: "initech",
  nobody: "acme",
};
const kinds = ["connect", "publish", "subscribe", "command", "ota"] as const;

type Step =
  | { readonly do: "ask"; readonly id: string; readonly kind: (typeof kinds)[number] }
  | { readonly do: "say"; readonly source: string; readonly records: number }
  | { readonly do: "bookmark"; readonly source: string }
  | { readonly do: "tick"; readonly by: number };

const source = fc.constantFrom(...names);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      id: fc.constantFrom(...Object.keys(tenants)),
      kind: fc.constantFrom("publish" as const, ...kinds),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("say" as const), source, records: fc.nat(15) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("bookmark" as const), source }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("tick" as const), by: fc.constantFrom(1, 40, 301, 4000) }),
  },
);

function queryOf(id: string, kind: (typeof kinds)[number]): Query {
  const credential = certificateFacts(id, start, of(tenants[id] ?? ""));
  const subject = { client_id: id, proof: { key: id, credential } };
  const topic = `t/${tenants[id]}/d/${id}/ops/temp`;
  switch (kind) {
    case "connect":
      return { kind, subject };
    case "publish":
      return { kind, subject, topic, qos: 0, retain: false };
    case "subscribe":
      return { kind, subject, filter: `t/${tenants[id]}/d/${id}/cmd/#`, qos: 0 };
    case "ota":
      return { kind, device_id: id, release: "r1" };
    case "command":
      return {
        kind,
        device_id: id,
        command: "reboot",
        actor: { id: "ops", type: "human", tenant: "*", roles: ["operator"], mfa: true },
        approvals: [],
        break_glass: null,
      };
  }
}

/** The world as plainly as it can be said. */
class Model {
  readonly said = new Map<string, ReadonlySet<RecordKey>>();
  readonly heardMs = new Map<string, number>();

  #holder(key: RecordKey): string | undefined {
    return names.find((name) => this.said.get(name)?.has(key));
  }

  /** Whether one that comes and goes is here with anything. */
  #counts(name: string): string[] {
    return (this.said.get(name)?.size ?? 0) > 0 ? [name] : [];
  }

  /** Sources behind one record, which may be absent. */
  #behind(key: RecordKey): string[] {
    const [kind, id] = key.split(":") as [string, string];
    const holder = this.#holder(key);
    if (kind === "device") {
      // Who might be a device may be a back-end: both are of the same sources here.
      if (holder === undefined) return ["acme", "globex", ...this.#counts("push")];
      if (tenants[id] !== "acme") return [holder];
      return [holder, "verifier", ...(id === "a2" ? ["devices"] : [])];
    }
    if (holder !== undefined) return [holder];
    if (kind === "release") return this.#counts("push");
    const tenant = id.split("/")[0] as string;
    return tenant === "acme" || tenant === "globex" ? [tenant] : this.#counts("push");
  }

  ageS(keys: readonly RecordKey[], nowMs: number): number {
    const behind = keys.flatMap((key) => this.#behind(key));
    const counting = behind.length > 0 ? behind : names.filter((name) => this.#counts(name).length > 0);
    return Math.max(0, ...counting.map((name) => Math.floor((nowMs - (this.heardMs.get(name) ?? 0)) / 1000)));
  }
}

const snapshot = shippedSnapshot();

async function run(steps: readonly Step[]): Promise<{ asked: number; cached: number; apart: number }> {
  const clock = new ManualClock(start);
  const registry = await openRegistry({ memory: true, clock });
  const records = withReports(registry);
  const pdp = corePdp(Object.assign(records, { onChange: registry.onChange.bind(registry) }), clock);
  pdp.activate(snapshot);
  const decider = pdp.decider(brokerPeer);
  const model = new Model();
  const feeds = new Map<string, Feed>();
  const say = async (name: string, mask: number): Promise<void> => {
    const { choice, records: all } = sources[name] as Source;
    let feed = feeds.get(name);
    if (feed === undefined) feeds.set(name, (feed = registry.feed(name, choice)));
    const chosen = all.filter((_each, i) => (mask & (1 << i)) !== 0);
    await feed.snapshot({ asOfMs: clock.monotonicMs(), maxLostShare: 1 }, async (sink) => {
      for (const [line, [key, record]] of chosen.entries())
        expect(sink.put({ key, record: structuredClone(record) }, line + 1)).toBeUndefined();
      await sink.flush();
      return { trailer: true };
    });
    model.said.set(name, new Set(chosen.map(([key]) => key)));
    model.heardMs.set(name, clock.monotonicMs());
  };
  for (const name of ["acme", "globex", "verifier", "devices"]) await say(name, 15);
  const seen = { asked: 0, cached: 0, apart: 0 };
  for (const each of steps) {
    if (each.do === "tick") clock.advance(each.by);
    if (each.do === "say") await say(each.source, each.records);
    if (each.do === "bookmark" && feeds.has(each.source)) {
      await feeds.get(each.source)?.bookmark(clock.monotonicMs());
      model.heardMs.set(each.source, clock.monotonicMs());
    }
    if (each.do !== "ask") continue;
    const decision: Decision = await decider.decide(queryOf(each.id, each.kind));
    const { cached, reason, registry_age_s, rests_on } = decision;
    const expected = model.ageS(rests_on, clock.monotonicMs());
    expect({ reason, rests_on, registry_age_s }).toEqual({ reason, rests_on, registry_age_s: expected });
    seen.asked += 1;
    if (cached) seen.cached += 1;
    if (expected !== registry.freshness().ageS) seen.apart += 1;
  }
  await registry[Symbol.asyncDispose]();
  return seen;
}

describe("law", () => {
  it("a decision is as old as the oldest source of the records that it was joined from, or that could have been there", {
    timeout: 120_000,
  }, async () => {
    const total = { asked: 0, cached: 0, apart: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 80, size: "max" }), async (steps) => {
        const seen = await run(steps);
        for (const key of ["asked", "cached", "apart"] as const) total[key] += seen[key];
      }),
      { numRuns: Number(process.env["LAW_RUNS"] ?? 200) },
    );
    // It would prove little where nothing is remembered, or where all sources are of one age.
    expect(total.cached).toBeGreaterThan(total.asked / 20);
    expect(total.apart).toBeGreaterThan(total.asked / 8);
  });
});
