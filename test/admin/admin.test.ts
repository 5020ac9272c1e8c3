import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Admin, type Lifting } from "../../src/admin/admin.ts";
import { reachOf, withdrawsTrust } from "../../src/admin/reach.ts";
import type { Wording } from "../../src/admin/wish.ts";
import type { Change } from "../../src/decision/change.ts";
import type { Peer } from "../../src/decision/identity.ts";
import type { AdminAct } from "../../src/log/admin-act.ts";
import { Overrides } from "../../src/registry/overrides.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, firmwarePolicy, now, tenant } from "../registry/records.ts";

const operator: Peer = {
  name: "soc",
  env: "prod",
  region: "eu-west",
  endpoint: "ep",
  source_zone: "",
  tenants: ["*"],
  kinds: ["admin"],
  may_assert: ["actor"],
};
const ofAcme: Peer = { ...operator, name: "acme-soc", tenants: ["acme"], may_assert: [] };

const wording = (over: Partial<Wording> = {}): Wording => ({
  kind: "quarantine",
  target: { kind: "device", id: "meter-001" },
  mode: "",
  signal: "",
  reason: "INC-7",
  expires_at: 0,
  ...over,
});
const lifting = (over: Partial<Lifting> = {}): Lifting => ({
  id: "",
  target: { kind: "device", id: "meter-001" },
  kind: "",
  reason: "mended",
  author: "",
  approvals: [],
  ...over,
});

let clock: ManualClock;
let registry: Registry;
let overrides: Overrides;
let admin: Admin;
let acts: AdminAct[];
let changes: Change[];

async function feed(boundAt: number): Promise<void> {
  const credentials = {
    c: { status: "active", bound_at: boundAt, last_used_at: now, devices: 1 },
  } as const;
  const records = [
    ["device:meter-001", device("meter-001", { credentials })],
    ["device:leaf-77", device("leaf-77", { tenant: "globex" })],
    ["tenant:acme", tenant("acme", { playbook: { tamper: "quarantine", odd: "observe" } })],
    ["firmware_policy:acme/meter", firmwarePolicy("acme", "meter")],
    ["firmware_policy:acme/pump", firmwarePolicy("acme", "pump")],
  ] as const;
  const source = registry.feed("test");
  await source.snapshot({ asOfMs: clock.monotonicMs(), maxLostShare: 1 }, async (sink) => {
    for (const [key, record] of records) sink.put({ key, record: structuredClone(record) }, 1);
    return { trailer: false };
  });
  await source[Symbol.asyncDispose]();
}

beforeEach(async () => {
  clock = new ManualClock(now);
  registry = await openRegistry({ memory: true, clock });
  await feed(now - 1000);
  overrides = await Overrides.open({
    dir: mkdtempSync(path.join(tmpdir(), "sallyport-admin-")),
    initialize: true,
    clock,
    reach: (target) => reachOf(target, registry),
    leavesMark: (override) => withdrawsTrust(override, registry),
  });
  acts = [];
  changes = [];
  overrides.onChange((change) => void changes.push(change));
  const record = (act: AdminAct): string => `d-${acts.push(act)}`;
  admin = new Admin({ overrides, registry, records: registry, clock, record });
});
afterEach(async () => {
  await overrides[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
});

describe("an operator", () => {
  it("quarantines a device by one call, which the decision log tells", async () => {
    const acted = await admin.set(operator, wording({ mode: "block" }), "alice");
    expect(acted).toMatchObject({
      sequence: 1,
      decisionId: "d-1",
      overrides: [{ mode: "block", by: "alice" }],
    });
    expect(acts[0]).toMatchObject({ operation: "quarantine.set", by: "alice", peer: "soc", allow: true });
    expect(changes).toEqual([{ scope: "records", revision: 1, sequence: 1, keys: ["device:meter-001"] }]);
  });

  it("lifts only on evidence newer than the loss of trust, and is told when refused", async () => {
    await admin.set(operator, wording(), "");
    clock.advance(60);
    await expect(admin.lift(operator, lifting())).rejects.toMatchObject({ code: "evidence_required" });
    expect(acts.at(-1)).toMatchObject({
      operation: "quarantine.lift",
      allow: false,
      code: "evidence_required",
    });
    expect(overrides.list()).toHaveLength(1);
    // Evidence of the same second is not newer; evidence from the future is none.
    for (const at of [now, now + 61]) {
      await feed(at);
      await expect(admin.lift(operator, lifting())).rejects.toMatchObject({ code: "evidence_required" });
    }
    await feed(now + 30);
    const lifted = await admin.lift(operator, lifting());
    expect(lifted).toMatchObject({ remaining: [], evidenceNewerThan: now });
    expect(overrides.list()).toEqual([]);
  });

  it("lifts what withdrew no trust without evidence, and only the kind that was named", async () => {
    await admin.set(operator, wording(), "");
    await admin.set(operator, wording({ kind: "disable_commands" }), "");
    const lifted = await admin.lift(operator, lifting({ kind: "disable_commands" }));
    expect(lifted.overrides.map(({ id }) => id)).toEqual(["o-2"]);
    expect(lifted.remaining.map(({ id }) => id)).toEqual(["o-1"]);
  });

  it("lifts a tenant at once; the need for evidence of each device stays behind", async () => {
    const target = { kind: "tenant", id: "acme" };
    await admin.set(operator, wording({ kind: "safe_mode", target }), "");
    expect(changes[0]).toMatchObject({
      keys: ["tenant:acme", "firmware_policy:acme/meter", "firmware_policy:acme/pump"],
    });
    const lifted = await admin.lift(operator, lifting({ target }));
    expect(lifted.evidenceNewerThan).toBe(now);
    expect(overrides.lostSince("tenant:acme")).toBe(now);
  });

  it.each([
    ["tamper", true],
    ["odd", false],
    ["unmapped", false],
  ])(
    "raises a signal, whose end withdraws trust where the playbook quarantines: %s",
    async (signal, marked) => {
      await admin.set(operator, wording({ kind: "signal", signal, expires_at: now + 10 }), "");
      clock.advance(10);
      await overrides.sweep();
      expect(overrides.lostSince("device:meter-001") > 0).toBe(marked);
    },
  );

  it("of one tenant touches and sees that tenant only", async () => {
    await admin.set(operator, wording({ target: { kind: "device", id: "leaf-77" } }), "");
    await admin.set(ofAcme, wording(), "");
    for (const target of [
      { kind: "device", id: "leaf-77" },
      { kind: "device", id: "nobody" },
      { kind: "tenant", id: "globex" },
      { kind: "class", id: "globex/leaf" },
      { kind: "credential", id: "c" },
    ])
      await expect(admin.set(ofAcme, wording({ target }), "")).rejects.toMatchObject({ code: "not_found" });
    expect(admin.list(ofAcme, undefined).map(({ target }) => target.id)).toEqual(["meter-001"]);
    await expect(admin.lift(ofAcme, lifting({ id: "o-1" }))).rejects.toMatchObject({ code: "not_found" });
  });

  it("names an author only where its entry lets it vouch for one", async () => {
    await expect(admin.set(ofAcme, wording(), "alice")).rejects.toMatchObject({ code: "peer_forbidden" });
    expect((await admin.set(ofAcme, wording(), "")).overrides[0]?.by).toBe("acme-soc");
  });

  it("pauses a rollout until a person resumes it", async () => {
    const target = { kind: "rollout", id: "r-7" };
    const acted = await admin.set(operator, wording({ kind: "pause", target }), "");
    expect(overrides.of("rollout:r-7")).toEqual(acted.overrides);
    await admin.lift(operator, lifting({ target }));
    expect(overrides.of("rollout:r-7")).toEqual([]);
  });

  it.each<[string, Partial<Wording>]>([
    ["no reason", { reason: " " }],
    ["an unknown kind", { kind: "destroy" }],
    ["an unknown target", { target: { kind: "planet", id: "x" } }],
    ["no target", { target: undefined }],
    ["an id that no device can have", { target: { kind: "device", id: "a/b" } }],
    ["a class without its tenant", { target: { kind: "class", id: "meter" } }],
    ["a past expiry", { expires_at: now }],
    ["a fraction of a second", { expires_at: now + 0.5 }],
    ["a mode of a safe mode", { kind: "safe_mode", mode: "block" }],
    ["an unknown mode", { mode: "gently" }],
    ["a signal without a type", { kind: "signal" }],
    ["a type that is the service's own", { kind: "signal", signal: "sallyport.commands_disabled" }],
    ["a pause of a device", { kind: "pause" }],
    [
      "a pause that ends by itself",
      { kind: "pause", target: { kind: "rollout", id: "r" }, expires_at: now + 9 },
    ],
    ["a quarantine of a rollout", { target: { kind: "rollout", id: "r" } }],
    ["a constrained credential", { target: { kind: "credential", id: "c" }, mode: "constrain" }],
  ])("is refused %s", async (_name, over) => {
    await expect(admin.set(operator, wording(over), "")).rejects.toMatchObject({ code: "request_invalid" });
    expect(overrides.list()).toEqual([]);
  });
});

describe("the reach of an override", () => {
  it("of a credential is who holds it, and of a gateway the gateway itself", () => {
    const reach = (kind: "credential" | "gateway", id: string) => reachOf({ kind, id }, registry);
    expect(reach("credential", "c")).toEqual(["device:meter-001"]);
    expect(reach("credential", "fp-leaf-77")).toEqual(["device:leaf-77"]);
    expect(reach("credential", "nobody's")).toEqual([]);
    expect(reach("gateway", "gw-1")).toEqual(["device:gw-1"]);
  });
});
