import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { HttpRoute, Metric, MetricReading } from "../runtime/ports.ts";

type Readable = Omit<Metric, "across">;

/** The samples of all metrics that share a name. */
function register(into: Registry, metrics: readonly Readable[]): void {
  const [first] = metrics;
  if (first === undefined) return;
  const samples = metrics.flatMap((metric) => metric.read());
  const labelNames = [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))];
  const options = { name: first.name, help: first.help, labelNames, registers: [into] };
  if (first.type === "counter") {
    const counter = new Counter(options);
    for (const { labels, value } of samples) counter.inc(labels, value);
  } else {
    const gauge = new Gauge(options);
    for (const { labels, value } of samples) gauge.set(labels, value);
  }
}

/**
 * `GET /metrics` in Prometheus' text format: every metric, read when somebody collects, and Node's own about the
 * process. Parts may share a metric; their samples stand together. A metric that cannot be read is left out and
 * named in `sallyport_metrics_unreadable`. `others` are what other processes have read.
 */
export function metricsRoute(
  metrics: readonly Metric[],
  others: () => Promise<readonly MetricReading[]> = () => Promise.resolve([]),
): HttpRoute {
  const ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  return {
    method: "GET",
    path: "/metrics",
    open: false,
    handle: async () => {
      const read = (await others()).map(
        ({ samples, ...metric }): Readable => ({ ...metric, read: () => samples }),
      );
      const byName = new Map<string, Readable[]>();
      for (const metric of [...metrics, ...read])
        byName.set(metric.name, [...(byName.get(metric.name) ?? []), metric]);
      const registry = new Registry();
      const unreadable: string[] = [];
      for (const [name, same] of byName) {
        try {
          register(registry, same);
        } catch {
          registry.removeSingleMetric(name);
          unreadable.push(name);
        }
      }
      const gauge = new Gauge({
        name: "sallyport_metrics_unreadable",
        help: "Metrics that could not be read.",
        labelNames: ["metric"],
        registers: [registry],
      });
      for (const metric of unreadable) gauge.set({ metric }, 1);
      const body = `${await registry.metrics()}\n${await ofProcess.metrics()}`;
      return { status: 200, headers: { "content-type": registry.contentType }, body };
    },
  };
}
