/** A compiled policy as OPA's own package evaluates it: the yardstick beside our engine. */
import { createRequire } from "node:module";

// Its ES module has no named exports at run time, whatever its types say.
const opa = createRequire(import.meta.url)(
  "@open-policy-agent/opa-wasm",
) as typeof import("@open-policy-agent/opa-wasm");

/** Loads it, with its data. */
export function rawPolicy(wasm: Uint8Array, data: object): ReturnType<typeof opa.loadPolicySync> {
  const policy = opa.loadPolicySync(wasm as never, 64);
  policy.setData(data as never);
  return policy;
}
