import { afterEach, describe, expect, it, vi } from "vitest";
import { Kicks } from "../../src/enforcement/kicks.ts";

const names = { clientId: "m-1", username: "m-1" };

describe("kicks", () => {
  afterEach(() => vi.useRealTimers());

  const failing = (failures: number, standsAgain = false) => {
    vi.useFakeTimers();
    const told: string[] = [];
    const faults: unknown[] = [];
    let left = failures;
    const kicks = new Kicks({
      kick: async ({ clientId }, why) => {
        told.push(`${clientId} ${why}`);
        if (left-- > 0) throw new Error("the API is away");
      },
      standsAgain: () => standsAgain,
      onFault: (fault) => faults.push(fault),
    });
    return { kicks, told, faults };
  };

  it("are tried again until the broker confirms", async () => {
    const { kicks, told, faults } = failing(3);
    await kicks.start(names, "quarantined");
    expect([kicks.failed, kicks.pending]).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toEqual(Array(4).fill("m-1 quarantined"));
    expect(faults).toHaveLength(3);
    expect([kicks.failed, kicks.pending]).toEqual([3, 0]);
  });

  it("come ever more seldom, and end with the service", async () => {
    const { kicks, told } = failing(Number.POSITIVE_INFINITY);
    await kicks.start(names, "quarantined");
    await vi.advanceTimersByTimeAsync(600_000);
    expect(told.length).toBeGreaterThan(15);
    expect(told.length).toBeLessThan(40);
    const before = told.length;
    kicks[Symbol.dispose]();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(told).toHaveLength(before);
    expect(kicks.pending).toBe(0);
  });

  it("spare a client that was let in again since: its earlier connection is gone", async () => {
    const { kicks, told } = failing(Number.POSITIVE_INFINITY, true);
    await kicks.start(names, "quarantined");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toHaveLength(1);
    expect(kicks.pending).toBe(0);
  });
});
