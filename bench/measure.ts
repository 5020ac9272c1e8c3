/** Timing in one process: batches, medians, no allocation by the yardstick itself. */

/** Median time of one call, in microseconds, over `rounds` rounds of about `roundMs` each. */
export function medianUs(call: (i: number) => unknown, roundMs = 200, rounds = 9): number {
  let batch = 64;
  let sink: unknown;
  const timeBatch = (): number => {
    const started = performance.now();
    for (let i = 0; i < batch; i++) sink = call(i);
    return performance.now() - started;
  };
  // Warm up, and find a batch that lasts a round.
  for (let elapsed = 0; elapsed < roundMs; ) {
    elapsed = timeBatch();
    if (elapsed < roundMs)
      batch = Math.ceil(batch * Math.min(8, Math.max(1.3, roundMs / Math.max(elapsed, 0.01))));
  }
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push((timeBatch() * 1000) / batch);
  if (sink === times) throw new Error("unreachable");
  return median(times);
}

/** Median of a list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The value below which `share` of a list lies; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Median times of several calls measured in turns, so that a noisy machine disturbs all alike. */
export function interleavedUs(
  calls: Readonly<Record<string, (i: number) => unknown>>,
  turns = 5,
): Record<string, number> {
  const seen: Record<string, number[]> = {};
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, call] of Object.entries(calls)) (seen[name] ??= []).push(medianUs(call, 120, 3));
  }
  return Object.fromEntries(Object.entries(seen).map(([name, times]) => [name, median(times)]));
}
