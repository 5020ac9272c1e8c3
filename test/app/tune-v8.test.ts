import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { argumentsOfWorkers } from "../../src/app/tune-v8.ts";

const run = promisify(execFile);
const file = path.join(import.meta.dirname, "../../src/app/tune-v8.ts");

/** Full collections of a process that holds 30 MB and lets go of 200 MB that grew old. */
const workload = `
  import { PerformanceObserver } from "node:perf_hooks";
  let full = 0;
  const count = (list) => { for (const { detail } of list) if (detail.kind === 4) full += 1; };
  const seen = new PerformanceObserver((list) => count(list.getEntries()));
  seen.observe({ entryTypes: ["gc"] });
  const held = [];
  for (let turn = 0; turn < 200; turn++) {
    const part = Array.from({ length: 5_000 }, (_, each) => ({ turn, each, text: String(turn * each), list: [each] }));
    held.push(part);
    if (held.length > 30) held.shift();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  count(seen.takeRecords());
  console.log(full);
`;

async function fullCollections(tuned: boolean): Promise<number> {
  const before = tuned ? `(await import(${JSON.stringify(file)})).tuneV8({ answers: true });` : "";
  const args = ["--import", "tsx", "--input-type=module", "-e", `${before}${workload}`];
  const { stdout } = await run(process.execPath, args, { cwd: path.dirname(file) });
  return Number(stdout);
}

describe("how V8 is set in a process of the service", () => {
  it("takes flags that this Node knows", async () => {
    const { stdout: known } = await run(process.execPath, ["--v8-options"], { maxBuffer: 1e7 });
    for (const flag of [
      "heap-growing-percent",
      "concurrent-marking-max-worker-num",
      "wasm-num-compilation-tasks",
    ])
      expect(known).toContain(`--${flag} (`);
  });

  it("collects a heap that grows in more and smaller steps", { timeout: 60_000 }, async () => {
    const [tuned, plain] = [await fullCollections(true), await fullCollections(false)];
    expect(tuned).toBeGreaterThan(plain);
  });

  it.each([
    [1, 2, 1],
    [2, 2, 1],
    [1, 4, 3],
    [3, 4, 1],
    [7, 8, 1],
    [2, 16, 4],
    [64, 8, 1],
  ])("leaves %i workers on %i processors %i helpers each", (workers, processors, helpers) => {
    expect(argumentsOfWorkers(workers, processors)).toEqual([
      ...process.execArgv,
      `--v8-pool-size=${helpers}`,
    ]);
  });
});
