import { describe, expect, it } from "vitest";
import type { Ask } from "../../src/client/attached-stream.ts";
import { WaitingRoom } from "../../src/client/waiting-room.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { publishOf, subjectOf } from "./attached.ts";

const deadlineMs = 1000;
const query = publishOf(subjectOf(0));

/** A service that answers `perSecond` in order, asked `offered` per second for `seconds`; what comes of it. */
function play(perSecond: (second: number) => number, offered: number, seconds: number, max = 10_000) {
  const clock = new ManualClock(1_800_000_000);
  const room = new WaitingRoom({ clock, max, deadlineMs, onLate: () => {} });
  const queue: Ask[] = [];
  const seen = { answered: 0, late: 0, refused: 0 };
  const tickS = 0.01;
  let owed = 0;
  for (let tick = 0; tick < seconds / tickS; tick++) {
    for (let i = 0; i < offered * tickS; i++) {
      if (room.full) {
        seen.refused += 1;
        continue;
      }
      const endMs = clock.monotonicMs() + deadlineMs;
      const ask: Ask = { query, endMs, attempts: 0, settled: false, done: () => {} };
      room.enter(ask);
      queue.push(ask);
    }
    clock.advance(tickS);
    owed += perSecond(tick * tickS) * tickS;
    for (; owed >= 1 && queue.length > 0; owed--) {
      const ask = queue.shift() as Ask;
      // The service does its work for those that have been given up, too.
      if (clock.monotonicMs() < ask.endMs) seen.answered += 1;
      else seen.late += 1;
      room.leave(ask);
    }
    if (queue.length === 0) owed = 0;
  }
  room.close();
  return { ...seen, room: room.room };
}

describe("the room of those who wait", () => {
  it("is wide while answers come in time", () => {
    expect(play(() => 5000, 4000, 3)).toMatchObject({ late: 0, refused: 0, room: 10_000 });
  });

  it("takes a burst of an idle service whole", () => {
    const { refused } = play(() => 20_000, 500_000, 0.02);
    expect(refused).toBe(0);
  });

  it("narrows under load, so that most of what is asked is answered in time, not late", () => {
    const { answered, late, refused } = play(() => 1000, 5000, 10);
    expect(refused).toBeGreaterThan(0);
    // After it has found its width nobody is late: what was asked before that is all there is.
    expect(late).toBeLessThan(4000);
    expect(answered).toBeGreaterThan(5500);
  });

  it("widens again when the service has recovered", () => {
    const slowFor = 5;
    const { room } = play((second) => (second < slowFor ? 1000 : 50_000), 5000, 12);
    expect(room).toBeGreaterThan(5000);
  });

  it("never narrows to nothing", () => {
    expect(play(() => 10, 5000, 10).room).toBe(128);
    expect(play(() => 10, 5000, 10, 50).room).toBe(50);
  });
});
