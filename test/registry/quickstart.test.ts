import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { freshen } from "../../examples/quickstart/freshen.mjs";
import { generateSeed, seedFile } from "../../examples/quickstart/generate.mjs";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { RegistryFile } from "../../src/registry/registry-file.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { now } from "./records.ts";

let dir: string;
let registry: Registry;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-quickstart-"));
  const path = join(dir, "fleet.ndjson");
  execFileSync(process.execPath, ["examples/quickstart/freshen.mjs", "--out", path, "--now", String(now)]);
  const clock = new ManualClock(now);
  registry = await openRegistry({ memory: true, clock });
  const file = await RegistryFile.open(registry, { path, clock, settleMs: 0 });
  await file[Symbol.asyncDispose]();
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

describe("the example fleet", () => {
  it("is what its generator makes; run `node examples/quickstart/generate.mjs`", async () => {
    expect((await readFile(seedFile, "utf8")) === generateSeed()).toBe(true);
    expect(generateSeed(1) === generateSeed(2)).toBe(false);
  });

  it("is accepted whole, and is varied", () => {
    const { counts, sources } = registry.status();
    expect(sources[0]?.rejected).toEqual([]);
    expect(sources[0]?.fault).toBeUndefined();
    const devices = Object.values(counts["device"] ?? {}).reduce((sum, count) => sum + count, 0);
    expect(devices).toBeGreaterThanOrEqual(10_000);
    expect(Object.keys(counts["device"] ?? {}).sort()).toEqual([
      "active",
      "enrolled",
      "eol",
      "provisioned",
      "quarantined",
      "recovery",
      "retired",
      "safe_mode",
    ]);
    expect(counts["tenant"]).toEqual({ active: 6, suspended: 1 });
  });

  it("names only tenants, gateways, firmware floors, trust domains and classes that exist", async () => {
    const site = parse(await readFile("policies/data.yaml", "utf8")) as {
      site?: { trust_domains?: object; classes?: object };
    };
    const text = await readFile(join(dir, "fleet.ndjson"), "utf8");
    for (const line of text.trim().split("\n")) {
      const { kind, record } = JSON.parse(line) as { kind: string; record: { id: string } };
      if (kind !== "device") continue;
      const device = registry.device(record.id)?.record;
      if (device === undefined) throw new Error(`${record.id} is not in force`);
      expect(registry.tenant(device.tenant)?.record, record.id).toBeDefined();
      expect(registry.firmwarePolicy(device.tenant, device.class)?.record, record.id).toBeDefined();
      for (const gateway of device.via)
        expect(registry.device(gateway)?.record?.class, record.id).toBe("gateway");
      expect(Object.keys(site.site?.trust_domains ?? {}), record.id).toContain(device.trust_domain);
      expect(Object.keys(site.site?.classes ?? {}), record.id).toContain(device.class);
    }
  });

  it("has the devices of the tour in their states", () => {
    const device = (id: string) => registry.device(id)?.record;
    expect(device("meter-001")?.credentials["fp-meter-001"]?.status).toBe("active");
    expect(device("meter-002")?.firmware?.key).toBeLessThan(
      registry.firmwarePolicy("acme", "meter")?.record?.patched_key ?? 0,
    );
    expect(device("meter-003")?.state.quarantine).toMatchObject({ active: true, mode: "constrain" });
    expect(device("meter-004")?.credentials["fp-meter-004"]?.status).toBe("revoked");
    expect(device("cam-3")?.attestation).toMatchObject({ status: "affirming", appraised_at: now - 60 });
    expect(device("cam-4")?.attestation).toBeNull();
    expect(device("leaf-77")?.via).toEqual(["gw-01", "gw-02"]);
    expect(Object.keys(device("pump-9")?.credentials ?? {})).toEqual(["fp-pump-9-t", "fp-pump-9-c"]);
    expect(device("proto-7")?.credentials["tok-proto"]?.verifier).toMatch(/^scrypt\$16384\$8\$1\$/);
  });

  it("takes real fingerprints where devices have certificates", () => {
    const line =
      '{"credentials":{"fp-a":{"bound_at":"@-1h"},"fp-a-old":{}},"key_fingerprint":"fp-a","at":"@","x":"@home"}';
    expect(freshen(line, 10_000, { a: "sha256:$&" })).toBe(
      '{"credentials":{"sha256:$&":{"bound_at":6400},"fp-a-old":{}},"key_fingerprint":"sha256:$&","at":10000,"x":"@home"}',
    );
  });
});
