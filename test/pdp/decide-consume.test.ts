import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Decision } from "../../src/decision/decision.ts";
import type { ServiceRecord } from "../../src/decision/facts.ts";
import type { Identity, Peer } from "../../src/decision/identity.ts";
import type { Query, Subject } from "../../src/decision/query.ts";
import type { PeerDecider } from "../../src/pdp/pdp.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { shippedSnapshot } from "../shipped.ts";

const now = 1_800_000_000;

function serviceRecord(id: string, roles: readonly string[]): ServiceRecord {
  return {
    id,
    tenant: "acme",
    trust_domain: "prod.devices.acme.example",
    roles,
    credentials: { [`fp-${id}`]: { status: "active", bound_at: 0, last_used_at: 0, devices: 1 } },
  };
}

function identity(id: string): Identity {
  return { key: `proven ${id}`, credential: certificateFacts(id, now) };
}

interface World {
  readonly facts: FactsTable;
  readonly decider: PeerDecider;
  readonly subject: (clientId?: string) => Subject;
}

function world(roles: readonly string[], peer: Peer = brokerPeer): World {
  const facts = new FactsTable();
  facts.watermark = now;
  facts.put("tenant:acme", tenantRecord("acme"));
  facts.put("tenant:globex", tenantRecord("globex"));
  facts.put("firmware_policy:acme/meter", floorRecord("acme", "meter", now));
  facts.put("device:meter-001", deviceRecord("meter-001", now));
  facts.put("service:svc-1", serviceRecord("svc-1", roles));
  const pdp = corePdp(facts, new ManualClock(now));
  pdp.activate(shippedSnapshot());
  const proof = identity("svc-1");
  return { facts, decider: pdp.decider(peer), subject: (client_id = "svc-1") => ({ client_id, proof }) };
}

const told = ({ allow, reason }: Decision): string => `${allow ? "allow" : "deny"} ${reason}`;

describe("a back-end on the same broker", () => {
  it("is let in, reads by its roles, and is asked about as any client is", async () => {
    const { decider, subject } = world(["sre"]);
    const self = subject("svc-1:2");
    const ask = async (query: Query): Promise<string> => told(await decider.decide(query));
    expect(await ask({ kind: "connect", subject: self })).toBe("allow ok");
    expect(await ask({ kind: "subscribe", subject: self, filter: "t/acme/d/+/ops/#", qos: 1 })).toBe(
      "allow ok",
    );
    expect(await ask({ kind: "subscribe", subject: self, filter: "t/acme/d/+/sec/#", qos: 1 })).toBe(
      "deny role_missing",
    );
    expect(await ask({ kind: "consume", subject: self, filter: "t/acme/d/meter-001/ops/x" })).toBe(
      "allow ok",
    );
    expect(await ask({ kind: "consume", subject: self, filter: "" })).toBe("deny bad_request");
  });

  it("is nobody where a device has its id, and no device reads as one", async () => {
    const { decider, facts, subject } = world(["sre"]);
    const query = { kind: "consume", subject: subject(), filter: "t/acme/d/+/ops/#" } as const;
    expect(told(await decider.decide(query))).toBe("allow ok");
    facts.remove("service:svc-1");
    expect(told(await decider.decide(query))).toBe("deny actor_missing");
    facts.put("service:svc-1", serviceRecord("svc-1", ["sre"]));
    facts.put("device:svc-1", deviceRecord("svc-1", now));
    const asDevice = { kind: "subscribe", subject: subject(), filter: "t/acme/d/+/ops/#", qos: 1 } as const;
    expect(told(await decider.decide(asDevice))).toBe("deny topic_wildcard_too_broad");
    const meter: Subject = { client_id: "meter-001", proof: identity("meter-001") };
    expect(told(await decider.decide({ ...query, subject: meter }))).toBe("deny actor_missing");
  });

  it("is refused once its credential is revoked, and the answer names its record", async () => {
    const { decider, facts, subject } = world(["sre"]);
    const query = { kind: "subscribe", subject: subject(), filter: "t/acme/d/+/ops/#", qos: 0 } as const;
    const before = await decider.decide(query);
    expect(before.rests_on).toEqual(["service:svc-1", "tenant:acme"]);
    const record = serviceRecord("svc-1", ["sre"]);
    const entry = { status: "revoked", bound_at: 0, last_used_at: 0, devices: 1 } as const;
    facts.put("service:svc-1", { ...record, credentials: { "fp-svc-1": entry } });
    expect(told(await decider.decide(query))).toBe("deny credential_revoked");
  });

  it("publishes a command where the command decision allows it, and nothing else", async () => {
    const { decider, subject, facts } = world(["operator"]);
    const publish = async (topic: string): Promise<Decision> =>
      decider.decide({ kind: "publish", subject: subject(), topic, qos: 0, retain: false });
    const reboot = await publish("t/acme/d/meter-001/cmd/reboot");
    expect(told(reboot)).toBe("allow ok");
    expect(reboot.obligations.command_ttl_s).toBe(300);
    expect(reboot.valid_until, "asked each time").toBe(now);
    expect(reboot.rests_on).toContain("service:svc-1");
    expect(reboot.rests_on).toContain("device:meter-001");
    expect(told(await publish("t/acme/d/meter-001/cmd/relay.open"))).toBe("deny role_missing");
    expect(told(await publish("t/acme/d/meter-001/cmd"))).toBe("deny topic_out_of_scope");
    expect(told(await publish("t/acme/d/meter-001/ops/x"))).toBe("deny topic_out_of_scope");
    expect(told(await publish("t/globex/d/meter-001/cmd/reboot"))).toBe("deny topic_out_of_scope");
    expect(told(await publish("t/acme/d/nobody/cmd/reboot"))).toBe("deny device_unknown");
    facts.put(
      "device:meter-001",
      deviceRecord("meter-001", now, { state: { quarantine: { active: true, mode: "block" } } }),
    );
    expect(told(await publish("t/acme/d/meter-001/cmd/reboot"))).toBe("deny device_quarantined");
  });

  it("leaves no command behind as a will", async () => {
    const { decider, subject } = world(["operator"]);
    const will = { topic: "t/acme/d/meter-001/cmd/reboot", qos: 0, retain: false } as const;
    expect(told(await decider.decide({ kind: "connect", subject: subject(), will }))).toBe(
      "deny topic_out_of_scope",
    );
  });

  it("is not let in by a broker of another tenant", async () => {
    const { decider, subject } = world(["sre"], { ...brokerPeer, tenants: ["globex"] });
    const query = { kind: "consume", subject: subject(), filter: "t/acme/d/+/ops/#" } as const;
    expect(told(await decider.decide(query))).toBe("deny tenant_mismatch");
  });

  it("sends none through a peer that may not ask about commands", async () => {
    const { decider, subject } = world(["operator"], { ...brokerPeer, kinds: ["connect", "publish"] });
    const topic = "t/acme/d/meter-001/cmd/reboot";
    const query = { kind: "publish", subject: subject(), topic, qos: 0, retain: false } as const;
    expect(told(await decider.decide(query))).toBe("deny bad_request");
  });
});

const roles = ["sre", "secops", "product_analyst", "data_steward", "operator"];
const filters = fc
  .tuple(
    fc.constantFrom("t/acme/d", "t/globex/d", "t/acme/b", "t/+/d", "x"),
    fc.constantFrom("meter-001", "+", "meter"),
    fc.constantFrom("ops", "sec", "prd", "hv", "cmd", "+", "#", ""),
    fc.constantFrom("", "/#", "/x", "/+/y"),
  )
  .map(([head, device, stream, tail]) => `${head}/${device}/${stream}${stream === "#" ? "" : tail}`);

/** Whether a granted filter (`+` at the device, `#` at the end) covers another filter. */
function covers(granted: string, filter: string): boolean {
  const outer = granted.split("/").slice(0, -1);
  const inner = filter.split("/");
  return inner.length >= outer.length && outer.every((level, at) => level === "+" || level === inner[at]);
}

it("a back-end's grant list and single checks never disagree", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(roles),
      fc.integer({ min: 0, max: 700 }),
      filters,
      async (held, lag, filter) => {
        const { decider, facts, subject } = world(held);
        facts.watermark = now - lag;
        const list = await decider.grants(subject());
        const one = await decider.decide({ kind: "subscribe", subject: subject(), filter, qos: 1 });
        const grant = list.grants.find((each) => covers(each.filter, filter));
        expect(one.allow, `${filter} ${one.reason} ${JSON.stringify(list.grants)}`).toBe(grant !== undefined);
        expect(list.grants.every(({ action }) => action === "subscribe")).toBe(true);
      },
    ),
    { numRuns: 400 },
  );
});
