/** By what bundles are proved: the configured keyset, and what the configuration permits. */
import { readFile } from "node:fs/promises";
import { trustsExampleKey } from "../bundle/example-key.ts";
import { readKeyset } from "../bundle/keyset.ts";
import type { TrustRules } from "../bundle/prove.ts";
import { isLoopback } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import { Fault } from "../runtime/fault.ts";
import { addressOf } from "./parts.ts";

/** Reads what `bundle.keyset` names. Throws `config_invalid`, `keyset_invalid`. */
export async function readTrustRules(config: Config): Promise<TrustRules> {
  const { keyset: path, scope, unsigned } = config.bundle;
  if (path === undefined) return { keyset: undefined, scope, unsigned };
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    throw Fault.from(thrown, "config_invalid", `cannot read the keyset \`${path}\``);
  }
  const keyset = readKeyset(text);
  const open = [config.grpc, config.http].find(({ listen }) => !isLoopback(addressOf(listen).host));
  if (open !== undefined && trustsExampleKey(keyset)) {
    throw new Fault(
      "config_invalid",
      `the keyset \`${path}\` trusts the example key, whose private half everybody has, and \`${open.listen}\` can be reached by others: make your own with \`sallyport bundle keygen\` and \`sallyport keyset new\``,
    );
  }
  return { keyset, scope, unsigned };
}
