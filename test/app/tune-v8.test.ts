import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { argumentsOfWorkers } from "../../src/app/tune-v8.ts";

const run = promisify(execFile);

describe("how V8 is set in a process of the service", () => {
  it("takes flags that this Node knows", async () => {
    const { stdout: known } = await run(process.execPath, ["--v8-options"], { maxBuffer: 1e7 });
    for (const flag of ["concurrent-marking-max-worker-num", "wasm-num-compilation-tasks"])
      expect(known).toContain(`--${flag} (`);
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
