import { defineConfig } from "vitest/config";

/**
 * Tests need nothing but Node. Those that also need OPA, a broker or another tool skip themselves when
 * it is absent, and fail instead where `CI` is set.
 */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    sequence: { hooks: "list" },
    reporters: ["default", "./scripts/closing-line-reporter.mjs"],
  },
});
