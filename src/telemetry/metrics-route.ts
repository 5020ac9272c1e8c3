import type { HttpRoute, Metric, MetricReading } from "../runtime/ports.ts";
import type { MetricsRenderer } from "./metrics-renderer.ts";

/**
 * `GET /metrics` in Prometheus' text format: every metric, read when somebody collects, and Node's own about the
 * process. Parts may share a metric; their samples stand together. A metric that cannot be read is left out and
 * named in `sallyport_metrics_unreadable`. `others` are what other processes have read.
 * What renders them is loaded at the first request: no start waits for it.
 */
export function metricsRoute(
  metrics: readonly Metric[],
  others: () => Promise<readonly MetricReading[]> = () => Promise.resolve([]),
): HttpRoute {
  let renderer: Promise<MetricsRenderer> | undefined;
  return {
    method: "GET",
    path: "/metrics",
    open: false,
    handle: async () => {
      renderer ??= import("./metrics-renderer.ts").then((loaded) => new loaded.MetricsRenderer());
      const { body, type } = await (await renderer).render(metrics, await others());
      return { status: 200, headers: { "content-type": type }, body };
    },
  };
}
