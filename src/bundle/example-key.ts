/** The key that signs the committed example bundle. Its private half is in this repository: it proves nothing. */
import type { Keyset } from "./keyset.ts";

/** Its identity; a test holds it equal to `examples/quickstart/keys/`. */
const exampleKeyId = "71ff2a2daab2adc8b92d3f1f45220b101f3cfc9f2d599b78032b6f903b28548a";

/** Whether a keyset trusts the example key, as only a service on loopback may. */
export function trustsExampleKey(keyset: Keyset): boolean {
  return keyset.keys.some(({ id }) => id === exampleKeyId);
}
