/**
 * Who goes first on the event loop, which a process has one of: what somebody waits for, such as a quarantine, before
 * work that comes in bulk, such as a fleet that is loaded.
 */
import { setImmediate as breathe } from "node:timers/promises";
import { orQuiet } from "./or-quiet.ts";

/** Longest that bulk work stands still for those that go first, in milliseconds: they may come without end. */
const longestMs = 50;

let going = 0;
let waiting: (() => void)[] = [];

/** Runs what somebody waits for: work that {@link giveWay}s stands still meanwhile. */
export async function goFirst<T>(act: () => Promise<T>): Promise<T> {
  going++;
  try {
    return await act();
  } finally {
    going--;
    if (going === 0) {
      const all = waiting;
      waiting = [];
      for (const go of all) go();
    }
  }
}

/** Called by work in bulk after every few steps: others run now, and those that go first to their end. */
export async function giveWay(): Promise<void> {
  await breathe();
  if (going === 0) return;
  const ended = new Promise<void>((resolve) => waiting.push(resolve));
  await orQuiet(ended, longestMs);
  // What went first has its answer to send: that is written when the event loop comes round.
  await breathe();
}
