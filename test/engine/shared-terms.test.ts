/** An input whose members are shared is the same input: seen once, kept, forgotten, and after a fault. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadPolicy } from "../../src/engine/load-policy.ts";
import type { Policy, PolicyLimits } from "../../src/engine/policy.ts";
import { SharedInput } from "../../src/engine/shared-input.ts";
import type { Fault } from "../../src/runtime/fault.ts";

const wasm = readFileSync(join(import.meta.dirname, "policies", "faults.wasm"));
const load = (limits: Partial<PolicyLimits> = {}): Policy =>
  loadPolicy({ wasm, data: {}, required: [], limits });

const shared = (members: Readonly<Record<string, unknown>>): SharedInput =>
  new SharedInput(new Map(Object.entries(members).map(([name, value]) => [name, JSON.stringify(value)])));

function faultOf(action: () => unknown): Fault {
  try {
    action();
  } catch (error) {
    return error as Fault;
  }
  throw new Error("nothing was thrown");
}

// Numbers that a result may hold: integers within 2^53.
const small = (_key: string, any: unknown): unknown =>
  typeof any === "number" ? Math.trunc(any % 1e6) : any;
const value = fc.jsonValue({ maxDepth: 2 }).map((any) => JSON.parse(JSON.stringify(any, small)) as unknown);
const names = ["device", "tenant", "fw policy", 'né"w'];
const group = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4, noNullPrototype: true });

describe("members that inputs share", () => {
  it("are part of each input, whatever was kept or forgotten before", () => {
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 1, maxLength: 8 }),
        fc.array(fc.record({ which: fc.nat(7), own: value, abort: fc.nat(9).map((n) => n === 0) }), {
          minLength: 8,
          maxLength: 60,
        }),
        (groups, questions) => {
          // So small that it is full all the time.
          const policy = load({ sharedPages: 1 });
          const inputs = groups.map((members) => ({ members, shared: shared(members) }));
          for (const { which, own, abort } of questions) {
            const input = inputs[which % inputs.length] as (typeof inputs)[number];
            const text = JSON.stringify({ own });
            if (abort) {
              const twice = '{"a":true,"b":true}';
              const fault = faultOf(() => policy.evaluate("faults/conflict", twice, input.shared));
              expect(fault.code).toBe("policy_trap");
            }
            expect(policy.evaluate("faults/echo", text, input.shared)).toEqual({ own, ...input.members });
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("are counted as part of the input's size, kept or not", () => {
    const policy = load({ maxInputBytes: 100 });
    const facts = shared({ device: "x".repeat(60) });
    for (let i = 0; i < 4; i++) {
      expect(policy.evaluate("faults/echo", '{"a":1}', facts)).toMatchObject({ a: 1 });
      const long = `{"a":"${"y".repeat(30)}"}`;
      expect(faultOf(() => policy.evaluate("faults/echo", long, facts)).code).toBe("input_invalid");
    }
    expect(policy.replaced).toBe(0);
  });

  it("that are not JSON, or half a surrogate pair, are refused each time", () => {
    const policy = load();
    const broken = new SharedInput(new Map([["device", "{"]]));
    for (let i = 0; i < 3; i++) {
      expect(faultOf(() => policy.evaluate("faults/echo", '{"a":1}', broken)).code).toBe("input_invalid");
    }
    expect(faultOf(() => shared({ device: "\ud800" })).code).toBe("input_invalid");
    expect(policy.evaluate("faults/echo", '{"a":1}', shared({ b: 2 }))).toEqual({ a: 1, b: 2 });
  });

  it("that are too large to be kept are parsed each time", () => {
    const policy = load({ sharedPages: 1 });
    const large = shared({ device: Array.from({ length: 2000 }, (_, i) => i) });
    for (let i = 0; i < 3; i++) {
      expect(policy.evaluate("faults/echo", '{"a":1}', large)).toMatchObject({
        a: 1,
        device: { length: 2000 },
      });
    }
  });

  it("cost no memory beyond their region, however many there are", () => {
    const policy = load({ sharedPages: 2 });
    const before = policy.memoryBytes;
    for (let i = 0; i < 3000; i++) {
      const facts = shared({ device: { id: `d-${i}`, tags: ["a", "b", i] }, tenant: { id: "acme" } });
      for (let again = 0; again < 3; again++) {
        expect(policy.evaluate("faults/echo", `{"n":${i}}`, facts)).toMatchObject({
          n: i,
          device: { id: `d-${i}` },
        });
      }
    }
    expect(policy.memoryBytes).toBe(before);
    expect(policy.replaced).toBe(0);
  });
});
