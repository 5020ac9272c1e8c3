import { describe, expect, it } from "vitest";
import type { Decider } from "../../src/decision/decision.ts";
import { denial } from "../../src/decision/denial.ts";
import type { Query } from "../../src/decision/query.ts";
import { boundedDecider } from "../../src/runtime/bounded-decider.ts";

const query: Query = { kind: "connect", subject: { client_id: "meter-001", proof: null } };
const answer = denial("device_unknown", { id: "theirs" });

function bounded(decide: Decider["decide"]): { decider: Decider; faults: unknown[] } {
  const faults: unknown[] = [];
  const bounds = { deadlineMs: 50, nextId: () => "ours", onFault: (fault: unknown) => faults.push(fault) };
  return { decider: boundedDecider({ decide }, bounds), faults };
}

describe("a bounded decider", () => {
  it("keeps a synchronous answer synchronous, and passes a later one on", async () => {
    expect(bounded(() => answer).decider.decide(query)).toBe(answer);
    const { decider, faults } = bounded(() => Promise.resolve(answer));
    expect(await decider.decide(query)).toBe(answer);
    expect(faults).toEqual([]);
  });

  it("denies in place of a throw, a rejection and an answer that is late", async () => {
    const broken: Decider["decide"][] = [
      () => {
        throw new Error("broken");
      },
      () => Promise.reject(new Error("broken")),
      () => new Promise((resolve) => setTimeout(resolve, 200, answer)),
      () => new Promise(() => {}),
    ];
    for (const decide of broken) {
      const { decider, faults } = bounded(decide);
      expect(await decider.decide(query)).toMatchObject({
        allow: false,
        reason: "internal_error",
        decision_id: "ours",
      });
      expect(faults).toHaveLength(1);
    }
  });
});
