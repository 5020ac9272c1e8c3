import { describe, expect, it } from "vitest";
import type { ReleaseRecord, RolloutRecord } from "../../src/decision/facts.ts";
import { bucketOf } from "../../src/pdp/bucket.ts";
import { registeredCredential } from "../../src/pdp/join-ota.ts";
import { createSnapshot, entrypointsOf, requiredEntrypoints } from "../../src/pdp/snapshot.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";
import { deviceRecord, brokerPeer as peer, tenantRecord } from "../records.ts";
import { releaseRecord, rolloutRecord } from "../releases.ts";
import { shippedBundle, shippedSnapshot } from "../shipped.ts";

const now = 1_800_000_000;
const question = { kind: "ota", device_id: "meter-001", release: "rel-1" } as const;

function setUp(release: Partial<ReleaseRecord> = {}, rollout: Partial<RolloutRecord> = {}) {
  const facts = new FactsTable();
  facts.watermark = now;
  const clock = new ManualClock(now);
  const pdp = corePdp(facts, clock);
  pdp.activate(shippedSnapshot());
  facts.put("tenant:acme", tenantRecord("acme"));
  facts.put("device:meter-001", deviceRecord("meter-001", now));
  facts.put("release:rel-1", { ...releaseRecord("rel-1", "ro-1", now), ...release });
  facts.put("rollout:ro-1", { ...rolloutRecord("ro-1", now), ...rollout });
  return { facts, clock, pdp };
}

describe("an OTA question", () => {
  it("is answered from device, tenant, release and rollout, and says that it rests on them", async () => {
    const { pdp } = setUp();
    const decision = await pdp.decider(peer).decide(question);
    expect(decision).toMatchObject({ allow: true, reason: "ota_eligible" });
    expect(decision.obligations.artifact).toBe("delta");
    expect(decision.rests_on).toEqual(["device:meter-001", "tenant:acme", "release:rel-1", "rollout:ro-1"]);
  });

  it("has the host's bucket, whatever the record says", async () => {
    const own = bucketOf("ro-1", "meter-001");
    const { facts, pdp } = setUp();
    const share = (percent_bp: number) => {
      const base = rolloutRecord("ro-1", now);
      const rings = base.rings.map((ring) => ({ ...ring, percent_bp }));
      facts.put("rollout:ro-1", { ...base, rings });
      facts.put("device:meter-001", deviceRecord("meter-001", now, { ota: { bucket: 0 } }));
      return pdp.decider(peer).decide(question);
    };
    expect((await share(own)).reason).toBe("ota_bucket_not_reached");
    expect((await share(own + 1)).reason).toBe("ota_eligible");
  });

  it("of an unknown release or device is a denial, never an error", async () => {
    const { pdp } = setUp();
    const decider = pdp.decider(peer);
    expect((await decider.decide({ ...question, release: "nowhere" })).reason).toBe("ota_no_release");
    expect((await decider.decide({ ...question, release: "" })).reason).toBe("ota_no_release");
    expect((await decider.decide({ ...question, device_id: "nobody" })).reason).toBe("device_unknown");
    expect((await decider.decide({ ...question, device_id: "a/b" })).reason).toBe("bad_request");
  });

  it("about another tenant's device is refused", async () => {
    const { pdp } = setUp();
    const decision = await pdp.decider({ ...peer, tenants: ["globex"] }).decide(question);
    expect(decision).toMatchObject({ allow: false, reason: "tenant_mismatch" });
  });

  it("holds until the next moment that matters, the local day's included", async () => {
    const { pdp, clock, facts } = setUp({}, { window: { from: 8 * 3600, to: 9 * 3600 } });
    const decider = pdp.decider(peer);
    // 2027-01-15T08:00:00Z.
    const open = await decider.decide(question);
    expect(open.reason).toBe("ota_eligible");
    clock.setWall(now - 60);
    facts.watermark = now - 60;
    const early = await decider.decide(question);
    expect(early).toMatchObject({ reason: "ota_outside_window", valid_until: now });
    expect(early.obligations.retry_after_s).toBe(60);
  });

  it("survives clock jumps: a ring that opens later again is a ring that is not open", async () => {
    const { pdp, clock } = setUp();
    clock.setWall(now - 40 * 86_400);
    const back = await pdp.decider(peer).decide(question);
    expect(back.allow).toBe(false);
    clock.setWall(now + 15 * 86_400);
    const ahead = await pdp.decider(peer).decide(question);
    expect(ahead).toMatchObject({ allow: false, reason: "ota_manifest_expired" });
  });

  it("is explained with the records behind it", async () => {
    const { pdp } = setUp({}, { state: "paused" });
    const { decision, records, bound } = await pdp.decider(peer).explain(question);
    expect(decision.reason).toBe("ota_rollout_paused");
    expect(records.map(({ key, state }) => `${key} ${state}`)).toContain("rollout:ro-1 found");
    expect(bound?.path).toBeDefined();
  });
});

describe("the credential that stands for a device", () => {
  const entry = (status: "active" | "superseded" | "revoked", bound_at: number) => ({
    status,
    bound_at,
    last_used_at: now,
    devices: 1,
  });
  const device = (credentials: Record<string, unknown>, key?: string) =>
    deviceRecord("meter-001", now, {
      credentials: { "fp-meter-001": null, ...credentials },
      ...(key === undefined
        ? {}
        : { attestation: { status: "affirming", vector: {}, verifier: "v", key_fingerprint: key } }),
    });

  it("is an active one before any other", () => {
    const found = registeredCredential(device({ old: entry("active", 1), new: entry("revoked", 9) }));
    expect(found?.[0]).toBe("old");
  });

  it("is the one that the evidence is bound to, if that is active", () => {
    const both = { a: entry("active", 1), b: entry("active", 9) };
    expect(registeredCredential(device(both, "a"))?.[0]).toBe("a");
    expect(registeredCredential(device(both))?.[0]).toBe("b");
    expect(registeredCredential(device({ a: entry("superseded", 1), b: entry("active", 9) }, "a"))?.[0]).toBe(
      "b",
    );
  });

  it("is the last one where none is active", () => {
    expect(registeredCredential(device({ a: entry("revoked", 9), b: entry("superseded", 1) }))?.[0]).toBe(
      "a",
    );
    expect(registeredCredential(device({}))).toBeUndefined();
  });
});

describe("a bundle without updates", () => {
  const { ota: _ota, consume: _consume, ...schemas } = shippedBundle.schemas as Record<string, unknown>;

  it("needs no entrypoint for them", () => {
    expect(entrypointsOf(schemas)).toEqual(requiredEntrypoints);
    expect(entrypointsOf(shippedBundle.schemas)).toContain("sallyport/ota");
  });

  it("answers each OTA question with a denial that says so", async () => {
    const { pdp } = setUp();
    const { policy, revision, sequence } = shippedSnapshot();
    pdp.activate(createSnapshot({ revision, sequence, policy, schemas, activatedAt: now }));
    const { decision, summary } = await pdp.decider(peer).explain(question);
    expect(decision).toMatchObject({ allow: false, reason: "ota_not_supported" });
    expect(summary).toContain("no entrypoint for updates");
  });
});
