/** `npm run bench ota`: how many devices a core judges in bulk, as a table and as JSON. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { DeviceRecord } from "../src/decision/facts.ts";
import { Bulk } from "../src/eligibility/bulk.ts";
import { scan } from "../src/eligibility/scan.ts";
import { openRegistry } from "../src/registry/registry.ts";
import { RegistryFile } from "../src/registry/registry-file.ts";
import { ManualClock, systemClock } from "../src/runtime/clock.ts";
import { FactsTable } from "../test/facts-table.ts";
import { corePdp } from "../test/pdp.ts";
import { brokerPeer, tenantRecord } from "../test/records.ts";
import { releaseRecord, rolloutRecord } from "../test/releases.ts";
import { shippedSnapshot } from "../test/shipped.ts";
import { grownFleet, type Maker, uniformFleet } from "./random-fleet.ts";
import { writeReport } from "./report.ts";

interface Measured {
  readonly devices: number;
  readonly wall_per_s: number;
  readonly core_per_s: number;
  readonly evaluations: number;
  readonly heap_mb: number;
  readonly by_reason: Readonly<Record<string, number>>;
}

const now = 1_800_000_000;
const tenants = Array.from({ length: 8 }, (_, i) => `tenant-${i}`);
const models = ["device_pki", "device_pki", "device_pki", "zero_trust", "zero_trust"];
const chunk = 25_000;
const [count = 1_000_000, stored = 100_000] = process.argv.slice(3).map(Number);

const release = { ...releaseRecord("rel-1", "ro-1", now), classes: ["meter", "sensor"] };
const rollout = { ...rolloutRecord("ro-1", now), window: { from: 0, to: 43_200 } };

function tenantOf(id: string): ReturnType<typeof tenantRecord> {
  const model = models[Number(id.slice(7)) % models.length] as string;
  return tenantRecord(id, { model, playbook: { impossible_travel: "quarantine", topic_abuse: "downgrade" } });
}

/** Facts whose devices are exchanged chunk by chunk: what is measured is the judging, not the keeping. */
class ChunkedFacts extends FactsTable {
  devices: ReadonlyMap<string, DeviceRecord> = new Map();

  override device(id: string): ReturnType<FactsTable["device"]> {
    const record = this.devices.get(id);
    return record === undefined ? undefined : { key: `device:${id}`, revision: 1, record };
  }
}

function fill(facts: FactsTable): void {
  facts.watermark = now;
  for (const id of tenants) facts.put(`tenant:${id}`, tenantOf(id));
  facts.put("release:rel-1", release);
  facts.put("rollout:ro-1", rollout);
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const mb = (bytes: number): number => Math.round(bytes / 1024 / 1024);

function measure(make: Maker): Measured {
  const facts = new ChunkedFacts();
  const clock = new ManualClock(now);
  const snapshot = shippedSnapshot();
  const pdp = corePdp(facts, clock);
  pdp.activate(snapshot);
  fill(facts);
  const bulk = new Bulk({ facts, clock, snapshot: () => snapshot, decider: pdp.decider(brokerPeer) });
  const reasons: Record<string, number> = {};
  let [wallMs, cpuUs, heap] = [0, 0, 0];
  for (let from = 0; from < count; from += chunk) {
    const devices = Array.from({ length: Math.min(chunk, count - from) }, (_, i) => make(from + i));
    facts.devices = new Map(devices.map((device) => [device.id, device]));
    // What making the devices left behind is not the judge's to clear away.
    collect();
    const startMs = performance.now();
    const cpu = process.cpuUsage();
    for (const [i, device] of devices.entries()) {
      if (i % 256 === 0) bulk.begin();
      const { reason } = bulk.judge(device, "rel-1");
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    }
    const { system, user } = process.cpuUsage(cpu);
    wallMs += performance.now() - startMs;
    cpuUs += system + user;
    heap = Math.max(heap, process.memoryUsage().heapUsed);
  }
  return {
    devices: count,
    wall_per_s: Math.round((count * 1000) / wallMs),
    core_per_s: Math.round((count * 1e6) / cpuUs),
    evaluations: bulk.evaluations,
    heap_mb: mb(heap),
    by_reason: Object.fromEntries(Object.entries(reasons).sort(([, a], [, b]) => b - a)),
  };
}

/** The same from a registry on disk, by the walk that the service takes: with reading and decoding of records. */
async function measureScan(make: Maker): Promise<Measured> {
  const dir = mkdtempSync(path.join(tmpdir(), "sallyport-bench-"));
  try {
    const lines = [
      ...tenants.map((id) => ({ kind: "tenant", record: tenantOf(id) })),
      { kind: "release", record: release },
      { kind: "rollout", record: rollout },
      ...Array.from({ length: stored }, (_, i) => ({ kind: "device", record: make(i) })),
    ];
    const file = path.join(dir, "fleet.ndjson");
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const clock = new ManualClock(now);
    await using registry = await openRegistry({ dir: path.join(dir, "registry"), clock });
    await using source = await RegistryFile.open(registry, {
      path: file,
      clock,
      watch: false,
      pollMs: 3_600_000,
    });
    await source.look();
    const snapshot = shippedSnapshot();
    const pdp = corePdp(registry as never, clock);
    pdp.activate(snapshot);
    const bulk = new Bulk({
      facts: registry,
      clock,
      snapshot: () => snapshot,
      decider: pdp.decider(brokerPeer),
    });
    const reasons: Record<string, number> = {};
    let devices = 0;
    const startMs = performance.now();
    const cpu = process.cpuUsage();
    const filter = {
      tenants: [],
      classes: [],
      regions: [],
      rings: [],
      firmwareFrom: undefined,
      firmwareTo: undefined,
    };
    const batches = scan(
      {
        facts: registry,
        idsAfter: (after, limit) => registry.deviceIdsAfter(after, limit),
        releaseIds: () => registry.releaseIds(),
        bulk,
        peer: brokerPeer,
      },
      { release: "rel-1", filter, pageSize: 0, pageToken: "" },
    );
    for await (const { items } of batches)
      for (const [, { reason }] of items) {
        devices += 1;
        reasons[reason] = (reasons[reason] ?? 0) + 1;
      }
    const { system, user } = process.cpuUsage(cpu);
    const wallMs = performance.now() - startMs;
    return {
      devices,
      wall_per_s: Math.round((devices * 1000) / wallMs),
      core_per_s: Math.round((devices * 1e6) / (system + user)),
      evaluations: bulk.evaluations,
      heap_mb: mb(process.memoryUsage().heapUsed),
      by_reason: reasons,
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const startMs = systemClock.monotonicMs();
const uniform = measure(uniformFleet(now, tenants));
const grown = measure(grownFleet(now, tenants));
const registry = stored === 0 ? undefined : await measureScan(grownFleet(now, tenants));
const rows = [
  { what: "uniformly random", budget: 35_000, ...uniform },
  { what: "realistic", budget: 80_000, ...grown },
  ...(registry === undefined
    ? []
    : [{ what: "realistic, read from the registry", budget: undefined, ...registry }]),
].map(({ budget, by_reason: _, core_per_s, ...rest }) => ({
  ...rest,
  core_per_s,
  budget: budget === undefined ? "-" : `>= ${budget}`,
  met: budget === undefined ? "-" : core_per_s >= budget,
}));
console.table(rows);
writeReport("ota", {
  took_s: Math.round((systemClock.monotonicMs() - startMs) / 1000),
  rss_mb: mb(process.memoryUsage.rss()),
  lines: rows,
  uniform,
  realistic: grown,
  registry: registry ?? null,
});
