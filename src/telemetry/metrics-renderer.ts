/** Metrics as Prometheus reads them. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Metric, MetricReading } from "../runtime/ports.ts";

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

/** A page of metrics. */
export interface MetricsPage {
  readonly body: string;
  readonly type: string;
}

/** Renders what the parts say, and what Node says of the process from now on. */
export class MetricsRenderer {
  readonly #ofProcess = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.#ofProcess });
  }

  /** Parts may share a metric; one that cannot be read is named in `sallyport_metrics_unreadable`. */
  async render(metrics: readonly Metric[], read: readonly MetricReading[]): Promise<MetricsPage> {
    const byName = new Map<string, Readable[]>();
    const others = read.map(({ samples, ...metric }): Readable => ({ ...metric, read: () => samples }));
    for (const metric of [...metrics, ...others])
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
    const body = `${await registry.metrics()}\n${await this.#ofProcess.metrics()}`;
    return { body, type: registry.contentType };
  }
}
