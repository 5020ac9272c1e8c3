import { describe, expect, it } from "vitest";
import { BatchWindow } from "../../src/client/batch-window.ts";

describe("the window of a stream", () => {
  it("opens while questions wait and answers come quickly, no further than the service allows", () => {
    const window = new BatchWindow();
    window.open(4);
    for (let i = 0; i < 20; i++) window.answered(1, 100);
    expect(window.limit).toBe(4);
  });

  it("stays as it is where nothing waits", () => {
    const window = new BatchWindow();
    window.open(16);
    const before = window.limit;
    for (let i = 0; i < 20; i++) window.answered(1, 0);
    expect(window.limit).toBe(before);
  });

  it("closes to one batch while answers are late, so that the next ones grow, and opens again", () => {
    const window = new BatchWindow();
    window.open(8);
    for (let i = 0; i < 20; i++) window.answered(1, 100);
    for (let i = 0; i < 20; i++) window.answered(50, 100);
    expect(window.limit).toBe(1);
    for (let i = 0; i < 20; i++) window.answered(1, 100);
    expect(window.limit).toBe(8);
  });

  it("takes a service that stays slower as it is, after a while", () => {
    const window = new BatchWindow();
    window.open(8);
    window.answered(1, 100);
    for (let i = 0; i < 1000; i++) window.answered(50, 100);
    expect(window.limit).toBe(8);
  });
});
