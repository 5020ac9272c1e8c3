import { describe, expect, it } from "vitest";
import { checkSuccession, readKeyset } from "../../src/bundle/keyset.ts";
import { Fault } from "../../src/runtime/fault.ts";
import { keysetOf, keysetText, makeKey, type TestKey } from "./keys.ts";

const now = 1_700_000_000;
const [ann, bob, cat, dan] = ["ann", "bob", "cat", "dan"].map((name) => makeKey(name)) as [
  TestKey,
  TestKey,
  TestKey,
  TestKey,
];

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Fault);
    expect((thrown as Fault).code).toBe("keyset_invalid");
    return (thrown as Fault).message;
  }
  throw new Error("was accepted");
}

describe("a keyset", () => {
  it("names keys by what they are", () => {
    const keyset = keysetOf([[ann], [bob, { roles: ["approve"] }]], { threshold: 2 });
    expect(keyset.keys.map(({ name, id }) => [name, id])).toEqual([
      ["ann", ann.id],
      ["bob", bob.id],
    ]);
  });

  it("is refused where it is malformed, counts a key twice, or could never be satisfied", () => {
    expect(refusal(() => readKeyset("{"))).toMatch("not JSON");
    expect(refusal(() => readKeyset('{"keyset":{}}'))).toMatch("malformed");
    expect(refusal(() => keysetOf([[ann], [{ ...ann, name: "ann2" }]]))).toMatch("two keys of the id");
    expect(refusal(() => keysetOf([[ann], [{ ...bob, name: "ann" }]]))).toMatch("two keys of the name");
    expect(refusal(() => keysetOf([[ann, { roles: ["approve"] }]]))).toMatch("role `sign`");
    expect(refusal(() => keysetOf([[ann], [bob, { roles: ["keyset"] }]], { threshold: 2 }))).toMatch(
      "asks for 2",
    );
    const leaked = { ...ann, pem: { ...ann.pem, public: ann.pem.private } };
    expect(refusal(() => keysetOf([[leaked]]))).toMatch("private key");
    expect(refusal(() => keysetOf([[ann]], { threshold: 0 }))).toMatch("malformed");
  });
});

describe("a keyset is replaced", () => {
  const current = keysetOf([[ann], [bob], [cat, { not_after: now }]], { threshold: 2 });
  const next = (signers: readonly TestKey[], version = 2) =>
    keysetOf([[bob], [dan]], { version, threshold: 2, signers });

  it("by a threshold of old and of new keys", () => {
    expect(() => checkSuccession(current, next([ann, bob, dan]), now)).not.toThrow();
  });

  it.each<[string, readonly TestKey[], number, string]>([
    ["too few old keys", [bob, dan], 2, "1 keys of version 1"],
    ["an expired old key", [bob, cat, dan], 2, "1 keys of version 1"],
    ["the same key twice", [bob, bob, dan], 2, "1 keys of version 1"],
    ["too few new keys", [ann, bob], 2, "1 keys of its own"],
    ["a version that leaves one out", [ann, bob, dan], 3, "only 2 can follow"],
    ["the version in force", [ann, bob, dan], 1, "only 2 can follow"],
  ])("and not with %s", (_, signers, version, why) => {
    expect(refusal(() => checkSuccession(current, next(signers, version), now))).toMatch(why);
  });

  it("and not with signatures over another keyset", () => {
    const other = JSON.parse(keysetText([[bob], [cat]], { version: 2, signers: [ann, bob, cat] })) as {
      signatures: string[];
    };
    const text = JSON.parse(keysetText([[bob], [dan]], { version: 2, threshold: 2 })) as object;
    const moved = readKeyset(JSON.stringify({ ...text, signatures: other.signatures }));
    expect(refusal(() => checkSuccession(current, moved, now))).toMatch("0 keys of version 1");
  });
});
