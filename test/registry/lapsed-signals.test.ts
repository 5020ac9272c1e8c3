import { describe, expect, it } from "vitest";
import { withLapsedSignals } from "../../src/registry/lapsed-signals.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, now, tenant } from "./records.ts";

async function start(signals: readonly { type: string; expires_at: number }[]) {
  const clock = new ManualClock(now);
  const lost: [string, number][] = [];
  const registry = await openRegistry({
    memory: true,
    clock,
    lost: async (marks) => void lost.push(...marks),
  });
  const feed = registry.feed("test");
  const say = (id: string, all: typeof signals) =>
    feed.snapshot({ asOfMs: clock.monotonicMs(), maxLostShare: 1 }, async (sink) => {
      sink.put(
        {
          key: "tenant:acme",
          record: tenant("acme", { playbook: { tamper: "quarantine", odd: "downgrade" } }),
        },
        1,
      );
      sink.put(
        { key: `device:${id}`, record: device(id, { state: { ...device(id).state, signals: [...all] } }) },
        2,
      );
      return { trailer: true };
    });
  await say("a", signals);
  const records = withLapsedSignals(registry, clock);
  const since = (): number | undefined => records.device("a")?.record?.state.reentry_required_since;
  return { clock, lost, say, since };
}

describe("a detection of the registry that was answered with quarantine", () => {
  it("leaves the need for newer evidence behind when it ends by time, at once and for good", async () => {
    const { clock, lost, say, since } = await start([{ type: "tamper", expires_at: now + 60 }]);
    expect(since()).toBe(0);
    clock.advance(60);
    expect([since(), lost]).toEqual([now + 60, []]);
    clock.advance(600);
    await say("a", []);
    expect(lost).toEqual([["a", now + 60]]);
  });

  it("may be taken back by the registry before its end, and milder ones may lapse", async () => {
    const taken = await start([{ type: "tamper", expires_at: now + 60 }]);
    await taken.say("a", []);
    taken.clock.advance(61);
    expect([taken.since(), taken.lost]).toEqual([0, []]);
    const mild = await start([
      { type: "odd", expires_at: now + 60 },
      { type: "unmapped", expires_at: now + 60 },
    ]);
    mild.clock.advance(61);
    await mild.say("a", []);
    expect([mild.since(), mild.lost]).toEqual([0, []]);
  });
});
