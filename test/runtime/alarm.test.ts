import { describe, expect, it } from "vitest";
import { Alarm } from "../../src/runtime/alarm.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("an alarm", () => {
  it("rings once, can be moved and silenced", async () => {
    let rings = 0;
    const alarm = new Alarm(() => {
      rings += 1;
    });
    alarm.set(5);
    alarm.set(60);
    await pause(30);
    expect(rings).toBe(0);
    await pause(60);
    expect(rings).toBe(1);
    alarm.set(5);
    alarm.clear();
    await pause(30);
    expect(rings).toBe(1);
  });

  it("does not ring early for a time that a timer cannot reach", async () => {
    let rings = 0;
    const alarm = new Alarm(() => {
      rings += 1;
    });
    alarm.set(2 ** 31 + 1000);
    await pause(30);
    expect(rings).toBe(0);
    alarm.clear();
  });
});
