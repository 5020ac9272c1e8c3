import { describe, expect, it } from "vitest";
import { NodeRoll } from "../../src/registry/node-roll.ts";
import { readShared } from "../../src/registry/shared-override.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import type { KeyValue } from "../../src/runtime/ports.ts";
import { now } from "./records.ts";

const start = (node: string, clock: ManualClock): NodeRoll =>
  new NodeRoll({ node, clock, nodeLeaseS: 10, hardS: 600, leaseS: 5 });

/** A bucket that hands on what is put into it. */
const into = (to: NodeRoll): KeyValue =>
  ({
    put: async (_key: string, value: Uint8Array) => {
      const entry = readShared(value);
      if (entry?.is === "node") to.heard(entry);
      return 1;
    },
  }) as unknown as KeyValue;

describe("the roll of nodes", () => {
  it("names each other node with what it has acted on, and until when a silent one may err", async () => {
    const clock = new ManualClock(now);
    const [one, two] = [start("one", clock), start("two", clock)];
    two.acted(7);
    await two.say(into(one));
    const bounds = { mayLeaseUntil: now + 10 + 10 + 5, mayDecideUntil: now + 10 + 600 };
    expect(one.standing(7)).toEqual([{ node: "two", inForce: true, ...bounds }]);
    expect(one.standing(8)).toEqual([{ node: "two", inForce: false, ...bounds }]);
    clock.advance(610);
    expect(one.standing(8)).toEqual([]);
  });

  it("counts a node as heard for one node lease, and has it speak before that is over", async () => {
    const clock = new ManualClock(now);
    const [one, two] = [start("one", clock), start("two", clock)];
    expect([two.due, two.isHeard]).toEqual([true, false]);
    await two.say(into(one));
    expect([two.due, two.isHeard]).toEqual([false, true]);
    clock.advance(4);
    expect([two.due, two.isHeard]).toEqual([true, true]);
    clock.advance(6);
    expect(two.isHeard).toBe(false);
    await two.say(into(one));
    two.acted(8);
    expect(two.due).toBe(true);
  });

  it("believes no node that it was heard later than now, nor much earlier than it says", () => {
    const clock = new ManualClock(now);
    const one = start("one", clock);
    one.heard({ is: "node", node: "ahead", revision: 1, at: now + 9999 });
    one.heard({ is: "node", node: "old", revision: 1, at: now - 300 });
    one.heard({ is: "node", node: "one", revision: 1, at: now });
    expect(one.standing(1).map(({ mayDecideUntil, node }) => [node, mayDecideUntil - now])).toEqual([
      ["ahead", 610],
      ["old", 370],
    ]);
  });

  it("has not said what could not be written", async () => {
    const clock = new ManualClock(now);
    const one = start("one", clock);
    const away = { put: () => Promise.reject(new Error("away")) } as unknown as KeyValue;
    await expect(one.say(away)).rejects.toThrow("away");
    expect([one.due, one.isHeard]).toEqual([true, false]);
  });
});
