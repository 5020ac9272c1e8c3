import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRecordValidator, isRecordKind } from "../../src/registry/record-validator.ts";
import { deviceSchema, firmwarePolicySchema, tenantSchema } from "../../src/registry/schemas.ts";
import { device, firmwarePolicy, tenant } from "./records.ts";

const validate = createRecordValidator();
const copy = (value: unknown): Record<string, unknown> => structuredClone(value) as Record<string, unknown>;

/** Every path of a JSON value, leaves and branches. */
function paths(value: unknown, at: readonly string[] = []): string[][] {
  const here = at.length === 0 ? [] : [[...at]];
  if (typeof value !== "object" || value === null) return here;
  return [...here, ...Object.entries(value).flatMap(([name, member]) => paths(member, [...at, name]))];
}

function edit(
  value: unknown,
  path: readonly string[],
  change: (holder: Record<string, unknown>, name: string) => void,
): unknown {
  const root = copy(value);
  let holder = root;
  for (const name of path.slice(0, -1)) holder = holder[name] as Record<string, unknown>;
  change(holder, path[path.length - 1] as string);
  return root;
}

describe("a record", () => {
  it("is accepted complete, and comes back as it is", () => {
    expect(validate("device", copy(device("meter-001")))).toEqual({
      key: "device:meter-001",
      record: device("meter-001"),
    });
    expect(validate("tenant", copy(tenant("acme")))).toEqual({ key: "tenant:acme", record: tenant("acme") });
    const policy = firmwarePolicy("acme", "meter");
    expect(validate("firmware_policy", copy(policy))).toEqual({
      key: "firmware_policy:acme/meter",
      record: policy,
    });
  });

  it("gets the facts whose presence restricts written out (INV-00c)", () => {
    const bare = copy(device("m"));
    delete bare["model"];
    delete bare["attestation"];
    delete (bare["state"] as Record<string, unknown>)["signals"];
    expect(validate("device", bare).record).toEqual(device("m"));
    const { id, status, model, env, support_access_until } = tenant("acme");
    const least = { id, status, model, env, support_access_until };
    expect(validate("tenant", least).record).toEqual(tenant("acme", { playbook: {} }));
  });

  it("loses the fields that no schema names (SYN-14)", () => {
    const more = { ...device("m"), new_field: 1, ota: { ...device("m").ota, other: { a: 1 } } };
    expect(validate("device", copy(more)).record).toEqual(device("m"));
  });

  const optional = new Set(
    ["model", "attestation", "state.signals", "firmware.components", "firmware.key", "firmware.svn"].concat([
      "residency",
      "failover",
      "admission",
      "playbook",
      "attestation_for_hv",
      "ota_hold",
    ]),
  );
  /** Members of maps and lists may be missing; every other path must be there. */
  const free = /^(credentials\.[^.]+|firmware\.components\.[^.]+|playbook\.[^.]+|blocked\.\d+|regions\.\d+)$/;

  it.each([
    ["device", device("m")],
    ["tenant", tenant("acme")],
    ["firmware_policy", firmwarePolicy("acme", "meter")],
  ] as const)("of kind %s without any one mandatory fact is refused", (kind, record) => {
    let refusals = 0;
    for (const path of paths(record)) {
      const name = path.join(".");
      if (optional.has(name) || free.test(name)) continue;
      const { record: accepted, invalid } = validate(
        kind,
        edit(record, path, (holder, last) => delete holder[last]),
      );
      expect(accepted, name).toBeUndefined();
      expect(invalid, name).toContain(path[0]);
      refusals++;
    }
    expect(refusals).toBeGreaterThan(3);
  });

  it("may lack firmware if it is a gateway, which must count its children", () => {
    const { firmware: _, ...gateway } = {
      ...device("gw-01"),
      class: "gateway",
      children: 3,
      max_children: 9,
    };
    expect(validate("device", copy(gateway)).invalid).toBeUndefined();
    expect(validate("device", { ...copy(gateway), class: "leaf" }).invalid).toContain("`firmware`");
    expect(validate("device", { ...copy(device("gw-01")), class: "gateway" }).invalid).toContain(
      "`children`",
    );
  });

  it("may say that its firmware is unknown, and have an attestation without times (INV-00b)", () => {
    const firmware = { version: "", key: null, svn: null, channel: "production" } as const;
    const attestation = { status: "none", vector: {}, verifier: "", key_fingerprint: "" } as const;
    expect(validate("device", copy(device("m", { firmware, attestation }))).invalid).toBeUndefined();
  });

  it.each(["", "a/b", "a+b", "a#", "a b", "*", ">", "a\u0000", "\ud800", "x".repeat(257), 7, null])(
    "with the id %j has no readable key",
    (id) => {
      const { key, invalid } = validate("device", { ...copy(device("m")), id });
      expect(key).toBeUndefined();
      expect(invalid).toContain("`id`");
    },
  );

  it.each([
    ["support.eol_at", -1],
    ["support.eol_at", 1.5],
    ["support.eol_at", "1800000000"],
    ["support.eol_at", Number.MAX_SAFE_INTEGER + 1],
    ["firmware.key", 2 ** 60],
    ["state.lifecycle", "zombie"],
    ["state.quarantine.mode", "off"],
    ["state.quarantine.active", "false"],
    ["credentials.__proto__x", null],
    ["hw_rev", "x".repeat(257)],
    ["via", ["a/b"]],
    ["regions", Array.from({ length: 65 }, () => "eu-west")],
  ])("with %s = %j is stored as invalid under its id, in words that name the field", (name, value) => {
    const wrong = edit(device("m"), name.split("."), (holder, last) => {
      holder[last] = value;
    });
    const { key, record, invalid } = validate("device", wrong);
    expect(record).toBeUndefined();
    expect(key).toBe("device:m");
    expect(invalid).toContain(`\`${name.split(".")[0]}`);
  });

  it("is never told in its own values: a secret may be among them", () => {
    const secret = "scrypt$16384$8$1$c2FsdA$aGFzaA";
    const wrong = device("m", {
      credentials: {
        f: {
          status: secret as "active",
          bound_at: 0,
          last_used_at: 0,
          devices: 1,
          verifier: `${secret.repeat(99)}`,
        },
      },
    });
    expect(validate("device", copy(wrong)).invalid).not.toContain("scrypt");
  });

  it("has one of three kinds", () => {
    expect(["device", "tenant", "firmware_policy", "toString", "", 1, undefined].map(isRecordKind)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe("the fast check and the wording one", () => {
  const odd = fc.constantFrom<unknown>(
    undefined,
    null,
    "",
    "x",
    "a/b",
    0,
    -1,
    1.5,
    2 ** 53,
    true,
    [],
    {},
    [null],
    "active",
  );
  const cases = [
    ["device", device("m"), deviceSchema],
    ["tenant", tenant("acme"), tenantSchema],
    ["firmware_policy", firmwarePolicy("acme", "meter"), firmwarePolicySchema],
  ] as const;

  it.each(cases)("agree on every %s with two facts replaced", (kind, record, schema) => {
    const where = fc.constantFrom(...paths(record));
    fc.assert(
      fc.property(where, odd, where, odd, (path, value, other, otherValue) => {
        let changed: unknown = edit(record, path, (holder, name) => {
          holder[name] = value;
        });
        try {
          changed = edit(changed, other, (holder, name) => {
            holder[name] = otherValue;
          });
        } catch {
          // The first edit took the place of the second away.
        }
        const json = JSON.parse(JSON.stringify(changed)) as unknown;
        const worded = schema.safeParse(copy(json));
        const fast = validate(kind, copy(json));
        const acrossFields = /required(, except)? for class|no readable id/.test(fast.invalid ?? "");
        expect(fast.invalid === undefined || acrossFields, fast.invalid).toBe(worded.success);
        if (fast.record !== undefined) expect(fast.record).toEqual(worded.data);
      }),
      { numRuns: 500 },
    );
  });
});
