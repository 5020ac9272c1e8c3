import { channel } from "node:diagnostics_channel";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../src/runtime/clock.ts";
import { channelLines } from "../../src/telemetry/channel-lines.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { watchChannels } from "../../src/telemetry/watch-channels.ts";

function watch(lines = channelLines) {
  const written: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void written.push(JSON.parse(line) as Record<string, unknown>) };
  const clock = new ManualClock(1_700_000_000);
  const watching = watchChannels(lines, createLogger({ level: "debug", pretty: false, stream }), clock);
  return { written, clock, watching };
}

describe("diagnostics channels", () => {
  it("each have a line in the log", () => {
    const files = readdirSync("src", { recursive: true, withFileTypes: true }).filter(({ name }) =>
      name.endsWith(".ts"),
    );
    const published = files.flatMap(({ parentPath, name }) => [
      ...readFileSync(join(parentPath, name), "utf8").matchAll(/\bchannel\(\s*"(sallyport:[^"]+)"/g),
    ]);
    const names = new Set(published.map(([, name]) => name));
    expect(names.size).toBeGreaterThan(1);
    expect(Object.keys(channelLines).sort()).toEqual([...names].sort());
  });

  it("are logged while they are watched, and free afterwards", () => {
    const { written, watching } = watch();
    const sink = channel("sallyport:log:sink");
    sink.publish({ works: false, error: new Error("disk full"), lost: 3 });
    expect(written).toMatchObject([{ level: "error", lost: 3, error: { message: "disk full" } }]);
    watching[Symbol.dispose]();
    expect(sink.hasSubscribers).toBe(false);
  });

  it("cannot flood the log: what is left out is counted", () => {
    const { written, clock, watching } = watch({
      "sallyport:test:flood": (message) => ({ level: "warn", message: "again", fields: { n: message } }),
    });
    const flood = channel("sallyport:test:flood");
    for (let n = 0; n < 100; n += 1) flood.publish(n);
    expect(written).toHaveLength(20);
    clock.advance(10);
    flood.publish(100);
    expect(written.at(-1)).toMatchObject({ n: 100, suppressed: 80 });
    flood.publish(101);
    expect(written.at(-1)).not.toHaveProperty("suppressed");
    watching[Symbol.dispose]();
  });

  it("do not break their publisher", () => {
    const { written, watching } = watch({
      "sallyport:test:odd": () => {
        throw new Error("no words");
      },
    });
    channel("sallyport:test:odd").publish(null);
    expect(written).toMatchObject([{ level: "error", channel: "sallyport:test:odd" }]);
    watching[Symbol.dispose]();
  });
});
