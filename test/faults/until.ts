import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";

/** Waits until a condition is met, for 20 seconds and more where it takes long to tell. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  let met = await condition();
  for (let waited = 0; waited < 20_000 && !met; waited += 20) {
    await sleep(20);
    met = await condition();
  }
  expect(met).toBe(true);
}
