import { loadavg } from "node:os";
import { measureRevocation } from "./registry-revocation.ts";
import { measureSize, type SizeReport } from "./registry-size.ts";
import { writeReport } from "./report.ts";

const given = process.argv.slice(3).map(Number);
const sizes = given.length === 0 ? [10_000, 100_000, 1_000_000] : given;
const reports: (SizeReport & { readonly load: number })[] = [];
for (const size of sizes) {
  const report = await measureSize(size);
  reports.push({ ...report, load: loadavg()[0] ?? 0 });
  console.log(JSON.stringify(reports.at(-1)));
}

const budgets: readonly (readonly [keyof SizeReport | "serving_ratio", ">=" | "<=", number, string])[] = [
  ["snapshot_per_s", ">=", 30_000, "records/s"],
  ["deltas_per_s", ">=", 10_000, "records/s, over gRPC, while serving"],
  ["serving_ratio", "<=", 2, "p99 while serving / idle"],
  ["override_p99_ms", "<=", 20, "ms, in the midst of a snapshot over gRPC"],
  ["override_idle_p99_ms", "<=", Number.POSITIVE_INFINITY, "ms, without it"],
  ["lookup_us", "<=", 8, "us"],
  ["by_index_us", "<=", 12, "us"],
  ["rss_anon_mb", "<=", 250, "MB"],
  ["ready_s", "<=", 2, "s from the start of the process to ready"],
  ["disk_mb", "<=", Number.POSITIVE_INFINITY, "MB"],
];
console.table(
  budgets.map(([name, sign, budget, unit]) => {
    const of = (report: SizeReport): number =>
      name === "serving_ratio" ? report.serving_p99_ms / report.idle_p99_ms : report[name];
    const last = reports.at(-1);
    return {
      what: name,
      ...Object.fromEntries(reports.map((report) => [String(report.devices), Number(of(report).toFixed(2))])),
      budget: Number.isFinite(budget) ? `${sign} ${budget}` : "stated",
      met: last === undefined ? false : sign === ">=" ? of(last) >= budget : of(last) <= budget,
      unit,
    };
  }),
);
// SYN-15: its target is one second.
const revocation = await measureRevocation();
console.table([{ what: "a revoked credential, from its source to the end of the session", ...revocation }]);
writeReport("registry", { reports, revocation });
