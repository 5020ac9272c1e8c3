import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, entry, ndjson, now } from "./records.ts";

const size = 1500;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-crash-"));
  for (const rev of ["even", "odd"]) {
    const devices = Array.from({ length: size }, (_, each) =>
      entry.device(`d${each}`, {
        hw_rev: rev,
        credentials: credentials(`fp-${each}`, `fp-${rev}-${each % 500}`),
      }),
    );
    await writeFile(join(dir, `${rev}.ndjson`), ndjson([...devices, entry.device(`only-${rev}`)]));
  }
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Credentials by these fingerprints. */
function credentials(...fingerprints: readonly string[]): DeviceRecord["credentials"] {
  const [any] = Object.values(device("any").credentials);
  return Object.fromEntries(fingerprints.map((each) => [each, any as DeviceRecord["credentials"][string]]));
}

/** Kills a loading process `afterMs` after its first `loads` loads; resolves to the last revision it reported. */
async function killed(store: string, loads: number, afterMs: number): Promise<number> {
  const paths = ["even.ndjson", "odd.ndjson"].map((name) => join(dir, name));
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "test/registry/crash-child.ts", store, ...paths],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let told = "";
  const ended = new Promise((resolve) => child.once("close", resolve));
  await new Promise<void>((resolve, reject) => {
    child.once("close", () => reject(new Error("the child ended by itself")));
    child.stdout.on("data", (data: Buffer) => {
      told += data.toString();
      if (told.split("\n").length > loads) resolve();
    });
    if (loads === 0) resolve();
  });
  await sleep(afterMs);
  child.kill("SIGKILL");
  await ended;
  return Number(told.trim().split("\n").at(-1));
}

describe("a store whose writer was killed while it loaded", () => {
  it.each([3, 17, 41, 80])(
    "holds exactly one snapshot, no older than reported (%i ms)",
    { timeout: 60_000 },
    async (afterMs) => {
      const store = join(dir, `store-${afterMs}`);
      const reported = await killed(store, 2, afterMs);
      const registry = await openRegistry({ dir: store, clock: new ManualClock(now) });
      expect(registry.freshness().synced).toBe(true);
      expect(registry.revision).toBeGreaterThanOrEqual(reported);
      const rev = registry.revision % 2 === 1 ? "even" : "odd";
      const other = rev === "even" ? "odd" : "even";
      const seen = new Set(
        Array.from({ length: size }, (_, each) => registry.device(`d${each}`)?.record?.hw_rev),
      );
      expect([...seen]).toEqual([rev]);
      expect(registry.device(`only-${rev}`)?.record?.id).toBe(`only-${rev}`);
      expect(registry.device(`only-${other}`)).toBeUndefined();
      expect(registry.status().counts).toEqual({ device: { active: size + 1 } });
      for (let each = 0; each < 500; each++) {
        const by = (fingerprint: string) =>
          registry.deviceIdsBy("fingerprint", fingerprint, undefined, 9).toSorted();
        expect(by(`fp-${each}`)).toEqual([`d${each}`]);
        // Three devices claim each of these, and none of the other snapshot's.
        expect(by(`fp-${rev}-${each}`)).toEqual(
          [each, each + 500, each + 1000].map((id) => `d${id}`).toSorted(),
        );
        expect(by(`fp-${other}-${each}`)).toEqual([]);
      }
      await registry[Symbol.asyncDispose]();
    },
  );

  it("holds nothing where the very first snapshot was not complete", { timeout: 60_000 }, async () => {
    const store = join(dir, "store-first");
    await killed(store, 0, 900);
    const registry = await openRegistry({ dir: store, clock: new ManualClock(now) });
    const found = registry.device("d0") !== undefined;
    expect(found).toBe(registry.freshness().synced);
    await registry[Symbol.asyncDispose]();
  });
});
