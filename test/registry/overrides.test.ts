import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Change } from "../../src/decision/change.ts";
import { Overrides, type OverridesOptions } from "../../src/registry/overrides.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { now } from "./records.ts";

const open: Overrides[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});

async function start(over: Partial<OverridesOptions> = {}): Promise<Overrides> {
  const overrides = await Overrides.open({
    dir: mkdtempSync(path.join(tmpdir(), "sallyport-overrides-")),
    initialize: true,
    clock: new ManualClock(now),
    reach: ({ id, kind }) => (kind === "device" ? [`device:${id}`] : "everything"),
    leavesMark: ({ kind }) => kind === "quarantine",
    ...over,
  });
  open.push(overrides);
  return overrides;
}

const wish = (id: string, over: object = {}) => ({
  kind: "quarantine" as const,
  target: { kind: "device" as const, id },
  mode: "block" as const,
  reason: "INC-7",
  by: "alice",
  ...over,
});

describe("overrides", () => {
  it("are in force and announced, each with its own sequence, before they are acknowledged", async () => {
    const overrides = await start();
    const seen: Change[] = [];
    let heard = 0;
    overrides.onChange((change) => {
      // What is announced is in force already.
      heard += overrides.of("device:a").length;
      seen.push(change);
    });
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => (release = resolve));
    overrides.onChange(() => slow);
    let acknowledged = false;
    const setting = overrides.set(wish("a")).then((act) => {
      acknowledged = true;
      return act;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([heard, acknowledged]).toEqual([1, false]);
    release();
    expect((await setting).override).toMatchObject({ id: "o-1", since: now, by: "alice" });
    await overrides.lift("o-1", "bob", "done");
    expect(seen).toEqual([
      { scope: "records", revision: 1, sequence: 1, keys: ["device:a"] },
      { scope: "records", revision: 2, sequence: 2, keys: ["device:a"] },
    ]);
    expect(overrides.acts(0).map(({ act, by, sequence }) => [sequence, act, by])).toEqual([
      [1, "set", "alice"],
      [2, "lift", "bob"],
    ]);
  });

  it("lift one and leave the others, and the loss of trust stays recorded", async () => {
    const overrides = await start();
    await overrides.set(wish("a"));
    await overrides.set(wish("a", { by: "bob", mode: "constrain" }));
    await overrides.lift("o-1", "alice", "done");
    expect(overrides.of("device:a").map(({ id }) => id)).toEqual(["o-2"]);
    expect(overrides.lostSince("device:a")).toBe(now);
    await expect(overrides.lift("o-1", "alice", "again")).rejects.toMatchObject({ code: "not_found" });
  });

  it("survive a restart, with their order and their marks", async () => {
    const dir = mkdtempSync(path.join(tmpdir(), "sallyport-overrides-"));
    const first = await start({ dir });
    for (const id of ["a", "b", "c"]) await first.set(wish(id));
    await first.lift("o-2", "bob", "done");
    await first[Symbol.asyncDispose]();
    const second = await start({ dir, initialize: false });
    expect(second.missing).toBeUndefined();
    expect(second.list().map(({ id, target }) => `${id} ${target.id}`)).toEqual(["o-1 a", "o-3 c"]);
    expect([second.sequence, second.lostSince("device:b")]).toEqual([4, now]);
    expect((await second.set(wish("d"))).sequence).toBe(5);
  });

  it("that expire leave a mark where trust was withdrawn, and none where it was not", async () => {
    const clock = new ManualClock(now);
    const overrides = await start({ clock });
    await overrides.set(wish("a", { expires_at: now + 60 }));
    await overrides.set(wish("b", { kind: "disable_commands", mode: undefined, expires_at: now + 60 }));
    clock.advance(59);
    await overrides.sweep();
    expect(overrides.list()).toHaveLength(2);
    clock.advance(1);
    const seen: Change[] = [];
    overrides.onChange((change) => void seen.push(change));
    await overrides.sweep();
    expect(overrides.list()).toEqual([]);
    expect([overrides.lostSince("device:a"), overrides.lostSince("device:b")]).toEqual([now + 60, 0]);
    expect(seen.map(({ sequence }) => sequence)).toEqual([3, 4]);
  });

  it("that expired while the service was down end at its start, with the mark", async () => {
    const dir = mkdtempSync(path.join(tmpdir(), "sallyport-overrides-"));
    const first = await start({ dir });
    await first.set(wish("a", { expires_at: now + 60 }));
    await first[Symbol.asyncDispose]();
    const second = await start({ dir, clock: new ManualClock(now + 3600) });
    expect(second.list()).toEqual([]);
    expect(second.lostSince("device:a")).toBe(now + 60);
  });

  it("end by themselves on the real clock", async () => {
    const clock = { now: () => Math.floor(Date.now() / 1000), wallMs: () => Date.now() };
    const overrides = await start({ clock: { ...clock, monotonicMs: () => performance.now() } });
    await overrides.set(wish("a", { expires_at: clock.now() + 1 }));
    for (let waited = 0; waited < 5000 && overrides.list().length > 0; waited += 50)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(overrides.list()).toEqual([]);
    expect(overrides.lostSince("device:a")).toBeGreaterThan(0);
  });
});

describe("a lost override store", () => {
  it("is told, sets nothing, and is never made anew unasked", async () => {
    const dir = mkdtempSync(path.join(tmpdir(), "sallyport-overrides-"));
    const first = await start({ dir });
    await first.set(wish("a"));
    await first[Symbol.asyncDispose]();
    rmSync(path.join(dir, "overrides.lmdb"));
    const lost = await start({ dir, initialize: false });
    expect(lost.missing).toContain("--initialize-overrides");
    await expect(lost.set(wish("b"))).rejects.toMatchObject({ code: "not_ready" });
    const again = await start({ dir, initialize: false });
    expect(again.missing).toBeDefined();
  });

  it("is refused where the file is not one of ours", async () => {
    const dir = mkdtempSync(path.join(tmpdir(), "sallyport-overrides-"));
    writeFileSync(path.join(dir, "overrides.lmdb"), Buffer.alloc(40_000, 7));
    await expect(start({ dir })).rejects.toMatchObject({ code: "store_unavailable" });
  });
});
