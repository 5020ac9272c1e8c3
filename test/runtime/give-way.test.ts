import { setImmediate as breathe } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { giveWay, goFirst } from "../../src/runtime/give-way.ts";

describe("work in bulk", () => {
  it("lets others run, and waits for who goes first", async () => {
    const order: string[] = [];
    let end = (): void => {};
    const act = goFirst(async () => {
      await new Promise<void>((resolve) => (end = resolve));
      order.push("act");
      return 7;
    });
    const bulk = giveWay().then(() => order.push("bulk"));
    for (let turn = 0; turn < 5; turn++) await breathe();
    expect(order).toEqual([]);
    end();
    expect(await act).toBe(7);
    await bulk;
    expect(order).toEqual(["act", "bulk"]);
  });

  it("goes on when that fails, and when it takes too long", async () => {
    const failed = goFirst(() => Promise.reject(new Error("no")));
    await expect(failed).rejects.toThrow("no");
    await giveWay();
    let end = (): void => {};
    const endless = goFirst(() => new Promise<void>((resolve) => (end = resolve)));
    // Ends by itself, though the act does not.
    await giveWay();
    end();
    await endless;
  });

  it("waits for all that go first", async () => {
    const ends: (() => void)[] = [];
    const acts = [1, 2].map(() => goFirst(() => new Promise<void>((resolve) => ends.push(resolve))));
    let went = false;
    const bulk = giveWay().then(() => (went = true));
    await breathe();
    ends[0]?.();
    for (let turn = 0; turn < 3; turn++) await breathe();
    expect(went).toBe(false);
    ends[1]?.();
    await Promise.all(acts);
    await bulk;
  });
});
