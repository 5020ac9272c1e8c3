/** One test for each fault of the Wasm SDK and of compiled policies that the engine contains. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Builtin } from "../../src/engine/builtins/builtin.ts";
import { builtins, resolveBuiltins } from "../../src/engine/builtins.ts";
import { inspectPolicy } from "../../src/engine/inspect-policy.ts";
import { loadPolicy } from "../../src/engine/load-policy.ts";
import type { Policy, PolicyLimits, PolicySource } from "../../src/engine/policy.ts";
import { Fault } from "../../src/runtime/fault.ts";

const wasm = (name: string): Uint8Array =>
  readFileSync(join(import.meta.dirname, "policies", `${name}.wasm`));
const faults = wasm("faults");

function load(limits: Partial<PolicyLimits> = {}, source: Partial<PolicySource> = {}): Policy {
  return loadPolicy({ wasm: faults, data: {}, required: [], limits, ...source });
}

function faultOf(action: () => unknown): Fault {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(Fault);
    return error as Fault;
  }
  throw new Error("nothing was thrown");
}

const ask = (policy: Policy, rule: string, input: unknown): unknown =>
  policy.evaluate(`faults/${rule}`, JSON.stringify(input));

describe("at load, a fault `bundle_invalid` names", () => {
  const refused = (source: Partial<PolicySource>): string => {
    const fault = faultOf(() => load({}, source));
    expect(fault.code).toBe("bundle_invalid");
    return fault.message;
  };

  it("bytes that are not wasm", () => {
    expect(refused({ wasm: Buffer.from("not wasm") })).toContain("not a whole wasm module");
    expect(refused({ wasm: new Uint8Array() })).toContain("not a whole wasm module");
  });

  it("a module cut short anywhere", () => {
    for (let length = 0; length < faults.length; length += 1009) {
      refused({ wasm: faults.subarray(0, length) });
    }
  });

  it("a module that is not a policy", () => {
    expect(refused({ wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0) })).toContain("it is not a policy");
  });

  it("another ABI", () => {
    const renamed = replaceBytes(faults, "opa_wasm_abi_version", "opa_wasm_abi_versionX".slice(1));
    expect(refused({ wasm: renamed })).toContain("opa_wasm_abi_version");
    expect(refused({ wasm: withAbi(faults, 2, 3) })).toContain("wasm ABI 2.3");
    expect(refused({ wasm: withAbi(faults, 1, 1) })).toContain("wasm ABI 1.1");
  });

  it("an import that is not OPA's", () => {
    expect(refused({ wasm: replaceBytes(faults, "opa_abort", "sys_abort") })).toContain("env.sys_abort");
  });

  it("a missing entrypoint", () => {
    expect(refused({ required: ["faults/echo", "faults/nope", "other"] })).toContain(
      "`faults/nope`, `other`",
    );
  });

  it("every builtin that is missing or does not belong in a decision", () => {
    const message = refused({ wasm: wasm("refused") });
    expect(message).toContain("`http.send` (it talks to the network)");
    expect(message).not.toContain("semver");
    expect(message).toContain("`rand.intn` (its result changes from call to call)");
    expect(inspectPolicy(wasm("refused")).builtins).toEqual(["http.send", "rand.intn", "semver.compare"]);
  });

  it("data that is no object, too large, or beyond the memory", () => {
    expect(refused({ data: null })).toContain("not an object");
    expect(refused({ data: [] })).toContain("not an object");
    expect(refused({ data: undefined })).toContain("not an object");
    expect(refused({ data: { x: "y".repeat(100) }, limits: { maxDataBytes: 100 } })).toContain("108 bytes");
    expect(refused({ data: { x: Array(200_000).fill([[1]]) }, limits: { maxPages: 96 } })).toContain(
      "loaded",
    );
    expect(refused({ data: { x: "\ud800" } })).toContain("surrogate");
  });
});

describe("the input", () => {
  it("is evaluated when it is falsy, and refused when it is not JSON", () => {
    const policy = load();
    for (const value of [null, false, 0, "", [], {}]) expect(ask(policy, "echo", value)).toEqual(value);
    const malformed = [
      "",
      " ",
      "{",
      '{"a"',
      "{1,2}",
      "set()",
      "[1 2]",
      "[1,]",
      '{"a":1}x',
      '{"n":1.}',
      "undefined",
    ];
    for (const text of malformed) {
      const fault = faultOf(() => policy.evaluate("faults/echo", text));
      expect([text, fault.code]).toEqual([text, "input_invalid"]);
    }
    expect(policy.replaced).toBe(0);
  });

  it("that OPA's parser refuses is refused even unverified, instead of passing for no input", () => {
    const policy = load({ verifyInput: false });
    for (const text of ["", "{", '{"a"', "{1,2}", "set()", "undefined"]) {
      expect(faultOf(() => policy.evaluate("faults/echo", text)).code).toBe("input_invalid");
    }
    expect(policy.evaluate("faults/echo", '{"a":1}')).toEqual({ a: 1 });
  });

  it("is refused with half a surrogate pair, bare or escaped", () => {
    for (const verifyInput of [true, false]) {
      const policy = load({ verifyInput });
      const broken = [
        '{"t":"\ud800"}',
        '{"t":"\udc00x"}',
        '{"t":"\\ud800"}',
        '{"t":"\\uD800\\u0041"}',
        '{"\\udfff":1}',
      ];
      for (const text of broken) {
        const fault = faultOf(() => policy.evaluate("faults/echo", text));
        expect([text, fault.code, fault.message]).toEqual([
          text,
          "input_invalid",
          expect.stringContaining("surrogate"),
        ]);
      }
      expect(policy.evaluate("faults/echo", '{"t":"\\ud83d\\ude00\\\\ud800"}')).toEqual({ t: "😀\\ud800" });
      expect(policy.replaced).toBe(0);
    }
  });

  it("keeps NUL, quotes, line separators and `__proto__`", () => {
    const policy = load();
    const topic = 'a\u0000b"\\\u2028\u007f/+#😀';
    expect(ask(policy, "topic", { request: { topic } })).toBe(topic);
    const text = '{"__proto__":{"x":1}}';
    expect(JSON.stringify(policy.evaluate("faults/echo", text))).toBe(text);
  });

  it("is refused beyond the size limit, counted in bytes", () => {
    expect(faultOf(() => load({ maxInputBytes: 3 }).evaluate("faults/echo", "12345")).code).toBe(
      "input_invalid",
    );
    const policy = load({ maxInputBytes: 100 });
    expect(ask(policy, "echo", "x".repeat(98))).toBe("x".repeat(98));
    for (const value of ["x".repeat(99), "é".repeat(50), "x".repeat(1_000_000)]) {
      expect(faultOf(() => ask(policy, "echo", value)).code).toBe("input_invalid");
    }
  });
});

describe("the result", () => {
  it("is undefined where Rego is, and a fault where the entrypoint is unknown", () => {
    const policy = load();
    expect(ask(policy, "absent", {})).toBeUndefined();
    expect(faultOf(() => policy.evaluate("faults/nope", "{}")).code).toBe("not_found");
    expect(faultOf(() => policy.evaluate("toString", "{}")).code).toBe("not_found");
  });

  it("has its sets sorted in Rego's order", () => {
    const tags = [
      "b",
      10,
      9,
      "a",
      "é",
      "～",
      "😀",
      true,
      null,
      [2],
      [1, 2],
      { b: 1 },
      { a: 2 },
      {},
      [],
      1.5,
      -1,
      false,
    ];
    expect(ask(load(), "sets", { tags })).toEqual({
      tags: [
        null,
        false,
        true,
        -1,
        1.5,
        9,
        10,
        "a",
        "b",
        "é",
        "～",
        "😀",
        [],
        [1, 2],
        [2],
        {},
        { a: 2 },
        { b: 1 },
      ],
      empty: [],
    });
  });

  it("never loses a digit: what a number cannot hold is a fault", () => {
    const policy = load();
    expect(policy.evaluate("faults/sum", '{"n":9007199254740990}')).toBe(Number.MAX_SAFE_INTEGER);
    for (const text of ['{"n":9007199254740991}', '{"n":12345678901234567890}', '{"n":-9007199254740993}']) {
      const fault = faultOf(() => policy.evaluate("faults/sum", text));
      expect([fault.code, fault.message]).toEqual(["policy_trap", expect.stringContaining("2^53")]);
    }
    expect(faultOf(() => policy.evaluate("faults/echo", '{"n":1e400}')).code).toBe("policy_trap");
    expect(ask(policy, "echo", { hex: "12345678901234567890123e4", x: 0.1 })).toEqual({
      hex: "12345678901234567890123e4",
      x: 0.1,
    });
  });

  it("is frozen through and through, and shared between equal answers", () => {
    const policy = load();
    const first = ask(policy, "echo", { a: { b: [1] } }) as { a: { b: number[] } };
    expect(() => first.a.b.push(2)).toThrow(TypeError);
    expect(ask(policy, "echo", { a: { b: [1] } })).toBe(first);
  });

  it("stays right while many different ones go by", () => {
    const policy = load();
    for (let n = 0; n < 3000; n++) expect(ask(policy, "echo", { n, é: "ü" })).toEqual({ n, é: "ü" });
  });
});

describe("an evaluation that aborts", () => {
  it("is a fault, never a string, and the next one runs on a fresh instance", () => {
    const policy = load();
    const fault = faultOf(() => ask(policy, "conflict", { a: true, b: true }));
    expect([fault.code, fault.message]).toEqual(["policy_trap", expect.stringContaining("conflict")]);
    expect(policy.replaced).toBe(1);
    expect(ask(policy, "conflict", { a: true })).toBe(1);
    expect(ask(policy, "conflict", { b: true })).toBe(2);
    expect(policy.replaced).toBe(1);
  });

  it("for want of memory is a fault, and leaves nothing behind", () => {
    const policy = load({ maxPages: 128 });
    expect(faultOf(() => ask(policy, "hog", { n: 10_000_000 })).code).toBe("policy_trap");
    expect(ask(policy, "hog", { n: 10 })).toBe(10);
    expect(policy.replaced).toBe(1);
  });

  it("for want of stack is a fault", () => {
    const policy = load({ maxInputBytes: 1_000_000, verifyInput: false });
    const deep = "[".repeat(400_000) + "]".repeat(400_000);
    expect(faultOf(() => policy.evaluate("faults/echo", deep)).code).toBe("policy_trap");
    expect(ask(policy, "echo", 1)).toBe(1);
  });

  it("because the policy was put away is a fault", () => {
    const policy = load();
    policy[Symbol.dispose]();
    expect(faultOf(() => ask(policy, "echo", 1)).code).toBe("internal");
    expect(policy.memoryBytes).toBe(0);
  });
});

describe("memory", () => {
  it("is reserved at load: ordinary and largest inputs do not make it grow", () => {
    const policy = load(
      {},
      { data: { x: Array.from({ length: 20_000 }, (_, i) => ({ id: `d-${i}`, n: [i] })) } },
    );
    const before = policy.memoryBytes;
    ask(policy, "echo", { text: "x".repeat(60_000) });
    ask(policy, "hog", { n: 100 });
    expect(policy.memoryBytes).toBe(before);
  });

  it("is as much as was asked for", () => {
    expect(load({ initialPages: 500 }).memoryBytes).toBe(500 * 65_536);
  });

  it("that an evaluation made grow past its bound is given back", () => {
    const policy = load({ initialPages: 64, sparePages: 16 });
    const before = policy.memoryBytes;
    expect(ask(policy, "hog", { n: 100_000 })).toBe(100_000);
    expect(policy.replaced).toBe(1);
    expect(ask(policy, "echo", 1)).toBe(1);
    expect(policy.memoryBytes).toBe(before);
  });

  it("that grew within its bound is kept, and read where it now is", () => {
    const policy = load({ initialPages: 34, sparePages: 4096 });
    const before = policy.memoryBytes;
    expect(ask(policy, "hog", { n: 50_000 })).toBe(50_000);
    expect(policy.memoryBytes).toBeGreaterThan(before);
    expect(ask(policy, "echo", { a: "é" })).toEqual({ a: "é" });
    expect(policy.replaced).toBe(0);
  });
});

describe("a builtin", () => {
  it("that fails is undefined, as in OPA, and does not abort", () => {
    const policy = load();
    expect(ask(policy, "undefined_or_default", { text: "banana" })).toBe(3);
    expect(ask(policy, "undefined_or_default", { text: 7 })).toBe("default");
    expect(policy.replaced).toBe(0);
  });

  it("says in a formatted text what does not fit, as Go does", () => {
    const policy = load();
    const formatted = (format: string, ...values: unknown[]): unknown =>
      ask(policy, "formatted", { format, values });
    expect(formatted("%s %d %v", "a", 1, [true])).toBe("a 1 [true]");
    expect(formatted("%d", "a")).toBe("%!d(string=a)");
    expect(formatted("%d")).toBe("%!d(MISSING)");
    expect(formatted("", 1)).toBe("%!(EXTRA int64=1)");
    expect(formatted("%s", 1)).toBe("%!s(int64=1)");
    expect(formatted("%05d|%-4s|%x|%.2f|%q", -42, "ab", 255, 1.5, 'a"b')).toBe('-0042|ab  |ff|1.50|"a\\"b"');
  });

  it("comes from one table, which nothing shadows", () => {
    const ours: Builtin = () => "ours";
    expect(resolveBuiltins({ sprintf: 3 }, { sprintf: ours })[3]).toBe(ours);
    expect(
      faultOf(() => resolveBuiltins({ toString: 1 }, builtins({ input: () => "{}" }))).message,
    ).toContain("`toString` (not supported)");
    for (const name of ["http.send", "net.lookup_ip_addr", "opa.runtime", "rego.parse_module", "trace"]) {
      expect(faultOf(() => resolveBuiltins({ [name]: 1 }, { [name]: ours })).message).toContain(name);
    }
  });
});

/** Replaces a name in a module by one of the same length. */
function replaceBytes(module: Uint8Array, from: string, to: string): Uint8Array {
  const copy = Buffer.from(module);
  const at = copy.indexOf(from);
  expect(at).toBeGreaterThan(0);
  copy.write(to, at);
  return copy;
}

/** OPA's modules end their global section with the ABI version: `i32.const 1; end` and `i32.const 3; end`. */
function withAbi(module: Uint8Array, major: number, minor: number): Uint8Array {
  const copy = Buffer.from(module);
  const at = copy.indexOf(Buffer.from([0x7f, 0x00, 0x41, 0x01, 0x0b, 0x7f, 0x00, 0x41, 0x03, 0x0b]));
  expect(at).toBeGreaterThan(0);
  copy[at + 3] = major;
  copy[at + 8] = minor;
  return copy;
}
