import { describe, expect, it } from "vitest";
import { denial } from "../../src/decision/denial.ts";
import type { Obligations } from "../../src/decision/obligations.ts";
import { type Supports, unenforceable } from "../../src/decision/supports.ts";

function enforcing(...names: (keyof Obligations)[]): Supports {
  const says = {
    qos: true,
    retain: true,
    certificate: true,
    will_at_connect: true,
    will_when_fired: true,
    delivery: true,
  };
  const all = new Set(names);
  return {
    broker: "test",
    checked: "by its calls",
    asks: "each",
    says,
    denied_publish: "drops",
    keeps_qos0: true,
    enforces: { connect: all, publish: all, subscribe: new Set() },
  };
}

describe("what cannot be enforced", () => {
  it("is everything that is not enforced here, advisory, or a duty of the service", () => {
    const obligations = { max_qos: 0, session_ttl_s: 1, update_by: 1, audit: "full", mark_reentry: true };
    expect(unenforceable(enforcing("max_qos"), "connect", obligations)).toEqual(["session_ttl_s"]);
    expect(unenforceable(enforcing("max_qos"), "subscribe", obligations)).toEqual([
      "max_qos",
      "session_ttl_s",
    ]);
    expect(unenforceable(enforcing("max_qos", "session_ttl_s"), "publish", obligations)).toEqual([]);
  });

  it("includes what this version has never heard of", () => {
    expect(unenforceable(enforcing(), "connect", { kneel: 1 } as Obligations)).toEqual(["kneel"]);
  });

  it("does not include what is not asked for", () => {
    const obligations = { disconnect: false, route: undefined } as unknown as Obligations;
    expect(unenforceable(enforcing(), "connect", obligations)).toEqual([]);
  });

  it("includes a recheck unless the session's time is enforced", () => {
    expect(unenforceable(enforcing(), "connect", { recheck_after_s: 1 })).toEqual(["recheck_after_s"]);
    expect(unenforceable(enforcing("session_ttl_s"), "connect", { recheck_after_s: 1 })).toEqual([]);
  });
});

describe("a local denial", () => {
  it("carries its retry class, and a delay where trying again may help", () => {
    expect(denial("internal_error", { id: "1" })).toMatchObject({
      allow: false,
      retry: "backoff",
      obligations: { retry_after_s: 1 },
      decision_id: "1",
    });
    expect(denial("device_unknown", { id: "1" })).toMatchObject({ retry: "remediate", obligations: {} });
  });
});
