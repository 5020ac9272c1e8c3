import { budgetRows, type Line } from "./budget.ts";
import { measureByModel } from "./by-model.ts";
import { measureInProcess } from "./in-process.ts";
import { findGhz, measureOverGrpc } from "./over-grpc.ts";
import { writeReport } from "./report.ts";

const lines: Line[] = [];
const inProcess = measureInProcess();
lines.push(
  { what: "decide() hit, 1k keys", measured: inProcess.hit_1k_us, budget: 0.5, atLeast: false, unit: "us" },
  {
    what: "decide() hit, 40k random keys",
    measured: inProcess.hit_40k_us,
    budget: 2,
    atLeast: false,
    unit: "us",
  },
  {
    what: "decide() miss / raw Wasm of the same input",
    measured: inProcess.miss_us / inProcess.raw_wasm_us,
    budget: 1.3,
    atLeast: false,
    unit: "x",
  },
  { what: "publish input", measured: inProcess.input_bytes, budget: 1536, atLeast: false, unit: "bytes" },
);
const byModel = measureByModel();
for (const [model, measured] of Object.entries(byModel))
  lines.push({ what: `publish / empty policy, ${model}`, measured, budget: 2.2, atLeast: false, unit: "x" });
const ghz = findGhz();
const overGrpc = ghz === undefined ? undefined : await measureOverGrpc(ghz);
if (overGrpc === undefined)
  console.log("NOT RUN: gRPC (no ghz: set `GHZ`, put `ghz` on PATH, or install Go)");
else {
  lines.push(
    {
      what: "unary cached / bare echo",
      measured: overGrpc.cached_ratio,
      budget: 0.9,
      atLeast: true,
      unit: "x",
    },
    {
      what: "unary all-miss / bare echo",
      measured: overGrpc.miss_ratio,
      budget: 0.6,
      atLeast: true,
      unit: "x",
    },
  );
}

const rows = budgetRows(lines);
console.table(rows);
console.log({ ...inProcess, ...overGrpc });
writeReport("latest", { lines: rows, in_process: inProcess, by_model: byModel, over_grpc: overGrpc ?? null });
