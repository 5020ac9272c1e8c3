/** Numbers of all workers as one: counters go on when a worker is replaced. */
import type { Metric, MetricReading, MetricSample } from "../runtime/ports.ts";
import type { WorkerPool } from "./worker-pool.ts";

const collectMs = 1000;

/** Asks the workers, and remembers what the counters of those that ended had reached when they were last read. */
export class WorkerMetrics {
  /** By process: its counters as they were last read. */
  readonly #last = new Map<number, readonly MetricReading[]>();
  #ended: readonly MetricReading[] = [];

  /** The metrics of all workers, and of this process where it has some of the same names. */
  async collect(pool: WorkerPool, own: readonly Metric[]): Promise<readonly MetricReading[]> {
    const live = pool.live;
    const pids = new Set(live.map(({ pid }) => pid ?? 0));
    await Promise.all(
      live.map(async ({ pid = 0, talk }) => {
        const readings = await talk?.ask("metrics", undefined as never, collectMs).catch(() => undefined);
        if (readings !== undefined) this.#last.set(pid, readings);
      }),
    );
    for (const [pid, readings] of this.#last) {
      if (pids.has(pid)) continue;
      this.#last.delete(pid);
      this.#ended = together([...this.#ended, ...readings.filter(({ type }) => type === "counter")]);
    }
    return together([...readingsOf(own), ...[...this.#last.values()].flat(), ...this.#ended]);
  }
}

/** Metrics as they read now. */
export function readingsOf(metrics: readonly Metric[]): readonly MetricReading[] {
  return metrics.map((metric) => {
    const { across, help, name, type } = metric;
    return { name, help, type, ...(across === undefined ? {} : { across }), samples: metric.read() };
  });
}

/** Metrics of the same name as one, sample by sample. */
export function together(readings: readonly MetricReading[]): readonly MetricReading[] {
  const byName = new Map<string, { reading: MetricReading; samples: Map<string, MetricSample> }>();
  for (const reading of readings) {
    const known = byName.get(reading.name) ?? { reading, samples: new Map<string, MetricSample>() };
    byName.set(reading.name, known);
    for (const { labels, value } of reading.samples) {
      const key = JSON.stringify(Object.entries(labels).sort());
      const had = known.samples.get(key)?.value;
      const joined =
        had === undefined ? value : reading.across === "max" ? Math.max(had, value) : had + value;
      known.samples.set(key, { labels, value: joined });
    }
  }
  return [...byName.values()].map(({ reading, samples }) => ({ ...reading, samples: [...samples.values()] }));
}
