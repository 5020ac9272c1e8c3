/** The publish policy beside an empty one, for a device of each security model. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { inputOf, models, twisted } from "../test/policies/twists.ts";
import { shippedBundle } from "../test/shipped.ts";
import { medianUs } from "./measure.ts";
import { rawPolicy } from "./raw-policy.ts";

/** Time of the policy over that of the empty one on the same input, by model. Every device is healthy and allowed. */
export function measureByModel(): Readonly<Record<string, number>> {
  const raw = rawPolicy(shippedBundle.wasm, shippedBundle.data);
  const empty = rawPolicy(readFileSync(path.resolve(import.meta.dirname, "../bundles/empty.wasm")), {});
  const ratios: Record<string, number> = {};
  for (const model of models) {
    const input = inputOf("publish", twisted(model, "publish", "ops", []));
    const [answer] = raw.evaluate(input, "sallyport/publish") as { result?: { allow?: boolean } }[];
    if (answer?.result?.allow !== true) throw new Error(`${model}: expected an allow`);
    let [policy, nothing] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    // Nothing is waited for here: the fastest of many short rounds is what the code takes, the rest is the machine.
    for (let round = 0; round < 12; round++) {
      policy = Math.min(
        policy,
        medianUs(() => raw.evaluate(input, "sallyport/publish"), 40, 3),
      );
      nothing = Math.min(
        nothing,
        medianUs(() => empty.evaluate(input, 0), 40, 3),
      );
    }
    ratios[model] = policy / nothing;
  }
  return ratios;
}
