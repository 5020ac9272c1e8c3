import { describe, expect, it } from "vitest";
import type { Subject } from "../../src/decision/query.ts";
import type { Session } from "../../src/pdp/session.ts";
import { SessionSlot } from "../../src/pdp/session-slot.ts";

const subject = (): Subject => ({ client_id: "meter-001", proof: null });
const session = (deviceId: string): Session => ({ deviceId }) as Session;

describe("a session kept on its subject", () => {
  it("is found on the very object by the one who kept it", () => {
    const slot = new SessionSlot();
    const asked = subject();
    const kept = session("meter-001");
    slot.keep(asked, kept);
    expect(slot.of(asked)).toBe(kept);
    expect(new SessionSlot().of(asked)).toBeUndefined();
  });

  it("does not go over to a copy, which may name another device", () => {
    const slot = new SessionSlot();
    const asked = subject();
    slot.keep(asked, session("meter-001"));
    expect(slot.of({ ...asked, client_id: "meter-002" })).toBeUndefined();
    expect(slot.of(Object.assign({}, asked))).toBeUndefined();
    expect(slot.of(structuredClone(asked))).toBeUndefined();
  });

  it("is replaced by the next one who keeps", () => {
    const [first, second] = [new SessionSlot(), new SessionSlot()];
    const asked = subject();
    first.keep(asked, session("a"));
    second.keep(asked, session("b"));
    expect(first.of(asked)).toBeUndefined();
    expect(second.of(asked)?.deviceId).toBe("b");
  });

  it("is left out where the subject cannot hold it", () => {
    const slot = new SessionSlot();
    const frozen = Object.freeze(subject());
    slot.keep(frozen, session("meter-001"));
    expect(slot.of(frozen)).toBeUndefined();
  });
});
