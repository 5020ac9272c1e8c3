import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeKey, encodeKey } from "../../src/nats/key-codec.ts";

it("gives every text a key that NATS accepts, and its own", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (text) => {
      const key = encodeKey(text);
      expect(key).toMatch(/^[-=\w]+$/);
      expect(decodeKey(key)).toBe(text);
    }),
    { numRuns: 500 },
  );
});

it("leaves plain keys readable and foreign keys as they are", () => {
  expect(encodeKey("device:meter-001")).toBe("device=3Ameter-001");
  expect(encodeKey("a=3Ab")).not.toBe(encodeKey("a:b"));
  expect(decodeKey("device.meter-001")).toBe("device.meter-001");
});
