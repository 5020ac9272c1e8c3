/** The publish policy beside an empty one, for a device of each security model. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { inputOf, models, twisted } from "../test/policies/twists.ts";
import { shippedBundle } from "../test/shipped.ts";
import { interleavedUs } from "./measure.ts";

// Its ES module has no named exports at run time, whatever its types say.
const opa = createRequire(import.meta.url)(
  "@open-policy-agent/opa-wasm",
) as typeof import("@open-policy-agent/opa-wasm");

/** Time of the policy over that of the empty one on the same input, by model. Every device is healthy and allowed. */
export function measureByModel(): Readonly<Record<string, number>> {
  const raw = opa.loadPolicySync(shippedBundle.wasm, 64);
  raw.setData(shippedBundle.data);
  const empty = opa.loadPolicySync(
    readFileSync(path.resolve(import.meta.dirname, "../bundles/empty.wasm")),
    64,
  );
  empty.setData({});
  const ratios: Record<string, number> = {};
  for (const model of models) {
    const input = inputOf("publish", twisted(model, "publish", "ops", []));
    const [answer] = raw.evaluate(input, "sallyport/publish") as { result?: { allow?: boolean } }[];
    if (answer?.result?.allow !== true) throw new Error(`${model}: expected an allow`);
    const { policy = 0, nothing = 1 } = interleavedUs({
      policy: () => raw.evaluate(input, "sallyport/publish"),
      nothing: () => empty.evaluate(input, 0),
    });
    ratios[model] = policy / nothing;
  }
  return ratios;
}
