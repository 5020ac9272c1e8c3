import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { showLoading } from "../../src/cli/loading-bar.ts";
import { expectedLines } from "../../src/registry/expected-lines.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { registryMetrics } from "../../src/registry/registry-metrics.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, now } from "./records.ts";

describe("a snapshot under way", () => {
  it("says how far it is: in the status, in metrics, and to whoever listens; and nothing when it has ended", async () => {
    const clock = new ManualClock(now);
    const registry = await openRegistry({ memory: true, clock });
    const feed = registry.feed("site");
    const validate = createRecordValidator();
    const news: unknown[] = [];
    const hear = (message: unknown): void => void news.push(message);
    subscribe("sallyport:registry:loading", hear);
    const drawn: string[] = [];
    const bar = showLoading({ isTTY: true, write: (text: string) => drawn.push(text) > 0 });
    const loading = () => registry.status().sources[0]?.loading;
    const metric = (): number | undefined =>
      registryMetrics(registry)
        .find(({ name }) => name === "sallyport_registry_source_loading_records")
        ?.read()[0]?.value;
    await feed.snapshot({ asOfMs: 0, maxLostShare: 1, expected: 4096 }, async (sink) => {
      const put = (from: number, to: number): void => {
        for (let each = from; each < to; each++) sink.put(validate("device", device(`d${each}`)), each + 1);
      };
      put(0, 512);
      expect(news).toEqual([]);
      clock.advance(2);
      put(512, 1024);
      const half = { source: "site", records: 1024, expected: 4096, seconds: 2, done: false };
      expect([loading(), metric(), news]).toEqual([half, 1024, [half]]);
      expect(drawn.at(-1)).toBe("\rloading site  [########......................] 25 %  1024 records");
      await sink.flush();
      return { trailer: false };
    });
    expect([loading(), metric()]).toEqual([undefined, undefined]);
    expect(news.at(-1)).toMatchObject({ records: 1024, done: true });
    bar[Symbol.dispose]();
    unsubscribe("sallyport:registry:loading", hear);
    expect(drawn.at(-1)?.trim()).toBe("");
    await registry[Symbol.asyncDispose]();
  });

  it("draws nothing where there is no terminal", () => {
    const bar = showLoading({ isTTY: false, write: () => expect.fail("it drew") });
    bar[Symbol.dispose]();
  });

  it("expects about as many records as the beginning of a file lets one think, and reads on from its start", async () => {
    const dir = mkdtempSync(path.join(tmpdir(), "sallyport-lines-"));
    for (const [lines, least, most] of [
      [10_000, 9000, 11_000],
      [3, 3, 3],
      [0, 0, 0],
    ] as const) {
      const file = path.join(dir, String(lines));
      writeFileSync(file, Array.from({ length: lines }, (_, each) => `{"id": "d${each}"}\n`).join(""));
      const handle = await open(file, "r");
      const expected = await expectedLines(handle);
      expect(expected).toBeGreaterThanOrEqual(least);
      expect(expected).toBeLessThanOrEqual(most);
      if (lines > 0)
        expect((await handle.read(Buffer.alloc(11), 0, 11)).buffer.toString()).toBe('{"id": "d0"');
      await handle.close();
    }
    rmSync(dir, { recursive: true, force: true });
  });
});
