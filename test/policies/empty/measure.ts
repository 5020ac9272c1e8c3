/**
 * What the publish policy costs beside an empty one, on the same input and in the same run: the least of many short
 * batches, interleaved, so that a noisy neighbour hits both alike.
 */

/** Anything that evaluates an entrypoint on an input. */
export interface Evaluates {
  readonly evaluate: (input: unknown, entrypoint: string) => unknown;
}

/** Microseconds per evaluation and their ratio. */
export interface Cost {
  readonly policy_us: number;
  readonly empty_us: number;
  readonly ratio: number;
  readonly input_bytes: number;
}

function batch(policy: Evaluates, entrypoint: string, input: unknown, size: number): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < size; i++) policy.evaluate(input, entrypoint);
  return Number(process.hrtime.bigint() - start) / size / 1000;
}

/** Measures `sallyport/publish` of `policy` against `empty/publish` of `empty` (`bundles/empty.wasm`). */
export function measurePublish(policy: Evaluates, empty: Evaluates, input: unknown, rounds = 300): Cost {
  const sides = [
    { policy, entrypoint: "sallyport/publish", best: Number.POSITIVE_INFINITY },
    { policy: empty, entrypoint: "empty/publish", best: Number.POSITIVE_INFINITY },
  ];
  for (let round = -50; round < rounds; round++) {
    for (const side of sides) {
      const us = batch(side.policy, side.entrypoint, input, 40);
      if (round >= 0) side.best = Math.min(side.best, us);
    }
  }
  const [full, bare] = sides.map(({ best }) => best) as [number, number];
  return { policy_us: full, empty_us: bare, ratio: full / bare, input_bytes: JSON.stringify(input).length };
}
