import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { type Client, type ConnectOptions, connect } from "../../src/client/client.ts";
import type { Query, Subject } from "../../src/decision/query.ts";
import { RetryClass } from "../../src/gen/sallyport/v1/decision.ts";
import type { Fault } from "../../src/runtime/fault.ts";
import { type Answers, serve, type TestService, wireAllow } from "./service.ts";

const subject: Subject = { client_id: "meter-001", proof: { type: "jwt", token: "eyJ.a.b" } };
const publish: Query = { kind: "publish", subject, topic: "t/acme/d/meter-001/ops/x", qos: 1, retain: false };
const queries: readonly Query[] = [
  { kind: "connect", subject },
  publish,
  { kind: "subscribe", subject, filter: "t/acme/d/meter-001/cmd/#", qos: 1 },
  {
    kind: "command",
    device_id: "meter-001",
    command: "reboot",
    actor: null,
    approvals: [],
    break_glass: null,
  },
];

async function withService(
  answers: Answers,
  use: (client: Client, service: TestService, faults: Fault[]) => Promise<void>,
  options: Partial<ConnectOptions> = {},
): Promise<void> {
  const service = await serve(answers);
  const faults: Fault[] = [];
  const client = connect({ address: service.address, onFault: (fault) => faults.push(fault), ...options });
  try {
    await use(client, service, faults);
  } finally {
    await client[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  }
}

const failing = (code: number, details: string) => () => {
  throw Object.assign(new Error(details), { code, details });
};

describe("decide", () => {
  it("asks the call of each kind and returns its decision", async () => {
    const answers: Answers = {
      checkConnect: () => ({ decision: wireAllow({ decision_id: "c" }) }),
      checkPublish: () => ({ decision: wireAllow({ decision_id: "p" }) }),
      checkSubscribe: () => ({ decisions: [wireAllow({ decision_id: "s" })] }),
      checkCommand: () => ({ decision: wireAllow({ decision_id: "x" }) }),
    };
    await withService(answers, async (client, service) => {
      const ids = [];
      for (const query of queries) ids.push((await client.decide(query)).decision_id);
      expect(ids).toEqual(["c", "p", "s", "x"]);
      expect(service.requests.map(({ method }) => method)).toEqual([
        "checkConnect",
        "checkPublish",
        "checkSubscribe",
        "checkCommand",
      ]);
    });
  });

  it("returns every field of a decision, unset ones left out", async () => {
    const decision = wireAllow({
      valid_until: 1_800_000_000,
      findings: ["attestation_stale"],
      obligations: { session_ttl_s: 300, max_qos: 1, mark_reentry: false, notify: [] },
    });
    await withService({ checkPublish: () => ({ decision }) }, async (client) => {
      expect(await client.decide(publish)).toEqual({
        allow: true,
        reason: "ok",
        findings: ["attestation_stale"],
        obligations: { session_ttl_s: 300, max_qos: 1, mark_reentry: false },
        valid_until: 1_800_000_000,
        bundle_revision: "b1",
        registry_revision: 7,
        registry_age_s: 2,
        decision_id: "d-1",
        cached: true,
        rests_on: [],
      });
    });
  });

  it("returns a denial with its retry class", async () => {
    const decision = wireAllow({
      allow: false,
      reason: "facts_stale",
      retry: RetryClass.RETRY_CLASS_BACKOFF,
      obligations: { retry_after_s: 5, notify: [] },
    });
    await withService({ checkPublish: () => ({ decision }) }, async (client) => {
      expect(await client.decide(publish)).toMatchObject({
        allow: false,
        reason: "facts_stale",
        retry: "backoff",
        obligations: { retry_after_s: 5 },
      });
    });
  });

  const statuses = [
    ["UNAVAILABLE", "internal_error", "unreachable"],
    ["INTERNAL", "internal_error", "internal"],
    ["UNIMPLEMENTED", "internal_error", "internal"],
    ["PERMISSION_DENIED", "internal_error", "peer_forbidden"],
    ["UNAUTHENTICATED", "internal_error", "peer_unknown"],
    ["RESOURCE_EXHAUSTED", "rate_limited", "overloaded"],
    ["INVALID_ARGUMENT", "bad_request", "request_invalid"],
  ] as const;
  for (const [name, reason, code] of statuses) {
    it(`answers ${name} with the denial ${reason}`, async () => {
      await withService({ checkPublish: failing(status[name], "said so") }, async (client, _, faults) => {
        const decision = await client.decide(publish);
        expect(decision).toMatchObject({ allow: false, reason });
        if (decision.retry === "backoff") expect(decision.obligations.retry_after_s).toBeGreaterThan(0);
        expect(faults).toHaveLength(1);
        expect(faults[0]).toMatchObject({ code, message: "no decision from the service: said so" });
      });
    });
  }

  it("answers with a denial when the deadline passes, nobody listens, or it is closed", async () => {
    await withService(
      {},
      async (client, service, faults) => {
        const start = performance.now();
        expect(await client.decide(publish)).toMatchObject({ allow: false, reason: "internal_error" });
        expect(performance.now() - start).toBeLessThan(1000);
        await service[Symbol.asyncDispose]();
        expect(await client.decide(publish)).toMatchObject({ allow: false, reason: "internal_error" });
        await client[Symbol.asyncDispose]();
        expect(await client.decide(publish)).toMatchObject({ allow: false, reason: "internal_error" });
        expect(faults.map((fault) => fault.code)[0]).toBe("deadline_exceeded");
        expect(faults).toHaveLength(3);
      },
      { deadlineMs: 80 },
    );
  });

  it("takes nothing for an allow that is not one", async () => {
    const strange = [
      { decision: undefined },
      { decision: wireAllow({ reason: "device_unknown" }) },
      { decision: wireAllow({ reason: "" }) },
      { decision: wireAllow({ allow: false, reason: "ok" }) },
      { decision: wireAllow({ allow: false, reason: "some_new_reason" }) },
    ];
    for (const answer of strange) {
      await withService({ checkPublish: () => answer }, async (client) => {
        const decision = await client.decide(publish);
        expect(decision).toMatchObject({ allow: false, reason: "internal_error", retry: "backoff" });
        if (answer.decision) expect(decision.findings).toContain(answer.decision.reason);
      });
    }
    await withService({ checkSubscribe: () => ({ decisions: [] }) }, async (client) => {
      expect(await client.decide(queries[2] as Query)).toMatchObject({
        allow: false,
        reason: "internal_error",
      });
    });
  });

  it("finds a service again that was restarted", async () => {
    const answers: Answers = { checkPublish: () => ({ decision: wireAllow() }) };
    const first = await serve(answers);
    const client = connect({ address: first.address });
    expect((await client.decide(publish)).allow).toBe(true);
    await first[Symbol.asyncDispose]();
    expect((await client.decide(publish)).allow).toBe(false);
    const again = await serve(answers, undefined, Number(first.address.split(":")[1]));
    const end = performance.now() + 5000;
    let allow = false;
    while (!allow && performance.now() < end) allow = (await client.decide(publish)).allow;
    expect(allow).toBe(true);
    await client[Symbol.asyncDispose]();
    await again[Symbol.asyncDispose]();
  });
});

describe("batch", () => {
  it("keeps the order over several messages, one bad item denying only itself", async () => {
    const answers: Answers = {
      batchCheck: ({ items }: { items: { check: { value: { topic: string } } }[] }) => ({
        results: items.map(({ check }) =>
          check.value.topic === "150"
            ? { decisions: [] }
            : { decisions: [wireAllow({ decision_id: check.value.topic })] },
        ),
      }),
    };
    await withService(answers, async (client, service) => {
      const many = Array.from({ length: 600 }, (_, at) => ({ ...publish, topic: String(at) }) as Query);
      const decisions = await client.batch(many);
      expect(decisions).toHaveLength(600);
      for (const [at, decision] of decisions.entries()) {
        expect(decision.allow).toBe(at !== 150);
        if (at !== 150) expect(decision.decision_id).toBe(String(at));
      }
      const sizes = service.requests.map(({ request }) => (request as { items: unknown[] }).items.length);
      expect(sizes.toSorted((a, b) => a - b)).toEqual([88, 256, 256]);
    });
  });

  it("denies everything when there is no answer, and asks nothing for nothing", async () => {
    await withService({ batchCheck: failing(status.UNAVAILABLE, "away") }, async (client, service) => {
      const decisions = await client.batch(queries);
      expect(decisions.map(({ reason }) => reason)).toEqual(queries.map(() => "internal_error"));
      expect(new Set(decisions.map(({ decision_id }) => decision_id)).size).toBe(queries.length);
      expect(await client.batch([])).toEqual([]);
      expect(service.requests).toHaveLength(1);
    });
  });
});

describe("listGrants", () => {
  const grant = { filter: "t/#", max_qos: 1, retain: false, reason: "ok" };

  it("returns the grants of an allowed session; what it does not understand grants nothing", async () => {
    const grants = [
      { ...grant, action: "publish", effect: "allow" },
      { ...grant, action: "publish", effect: "perhaps" },
      { ...grant, action: "consume", effect: "allow" },
    ];
    const answer = { decision: wireAllow(), grants, session_expires_at: 99 };
    await withService({ listGrants: () => answer }, async (client) => {
      const list = await client.listGrants(subject);
      expect(list.session_expires_at).toBe(99);
      expect(list.grants.map(({ action, effect }) => `${action} ${effect}`)).toEqual([
        "publish allow",
        "publish deny",
      ]);
    });
  });

  it("grants nothing on a denial or without an answer", async () => {
    const decision = wireAllow({ allow: false, reason: "device_unknown" });
    const grants = [{ ...grant, action: "publish", effect: "allow" }];
    await withService({ listGrants: () => ({ decision, grants }) }, async (client) => {
      expect((await client.listGrants(subject)).grants).toEqual([]);
    });
    await withService({ listGrants: failing(status.UNAVAILABLE, "away") }, async (client) => {
      expect(await client.listGrants(subject)).toMatchObject({ decision: { allow: false }, grants: [] });
    });
  });
});

describe("explain", () => {
  it("returns the explanation, or throws a fault that says why there is none", async () => {
    const explanation = {
      decision: wireAllow(),
      cached: false,
      input_json: "{}",
      facts: [],
      records: [],
      summary: "ok",
    };
    await withService({ explain: () => ({ explanations: [explanation] }) }, async (client) => {
      expect(await client.explain(publish)).toMatchObject({ decision: { allow: true }, input_json: "{}" });
    });
    await withService({ explain: failing(status.PERMISSION_DENIED, "not for you") }, async (client) => {
      await expect(client.explain(publish)).rejects.toMatchObject({
        code: "peer_forbidden",
        message: "no explanation from the service: not for you",
      });
    });
  });
});

describe("connect", () => {
  it("refuses to send evidence in clear to another machine, unless told to", async () => {
    const address = "pdp.example:7600";
    expect(() => connect({ address })).toThrow(/`pdp.example:7600` is not on this machine/);
    await connect({ address, insecure: true })[Symbol.asyncDispose]();
    for (const local of ["localhost:1", "127.0.0.1:1", "[::1]:1", "unix:/tmp/x"]) {
      await connect({ address: local })[Symbol.asyncDispose]();
    }
  });

  it("refuses a certificate or key that cannot be used", () => {
    const tls = { cert: "no certificate", key: "no key" };
    expect(() => connect({ address: "localhost:1", tls })).toThrow(
      expect.objectContaining({ code: "tls_invalid" }),
    );
  });
});
