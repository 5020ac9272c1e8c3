/** By what bundles are proved: the configured keyset, and what the configuration permits. */
import { readFile } from "node:fs/promises";
import { trustsExampleKey } from "../bundle/example-key.ts";
import type { Keyset } from "../bundle/keyset.ts";
import { KeysetKeeper } from "../bundle/keyset-keeper.ts";
import type { TrustRules } from "../bundle/prove.ts";
import { isLoopback } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { addressOf } from "./parts.ts";

/** What bundles are proved by, now and after the keyset's file changed. */
export interface Trust {
  rules(): TrustRules;
  /** Text of the keyset in force. */
  keysetText(): string | undefined;
  /** Looks at the keyset's file. */
  look(): Promise<void>;
}

/**
 * Reads what `bundle.keyset` names, unless a later one was kept.
 * @throws Fault `config_invalid`, `keyset_invalid`
 */
export async function openTrust(config: Config, clock: Clock, kept: string | undefined): Promise<Trust> {
  const { keyset: path, scope, unsigned } = config.bundle;
  if (path === undefined) {
    const rules: TrustRules = { keyset: undefined, scope, unsigned };
    return { rules: () => rules, keysetText: () => undefined, look: async () => {} };
  }
  const keeper = await KeysetKeeper.open({
    clock,
    kept,
    check: (keyset) => refuseExampleKey(config, keyset),
    read: async () => {
      try {
        return await readFile(path, "utf8");
      } catch (thrown) {
        throw Fault.from(thrown, "config_invalid", `cannot read the keyset \`${path}\``);
      }
    },
  });
  return {
    rules: () => ({ keyset: keeper.keyset, scope, unsigned }),
    keysetText: () => keeper.keyset.text,
    look: () => keeper.look(),
  };
}

function refuseExampleKey({ grpc, http, bundle }: Config, keyset: Keyset): void {
  const open = [grpc, http].find(({ listen }) => !isLoopback(addressOf(listen).host));
  if (open === undefined || !trustsExampleKey(keyset)) return;
  throw new Fault(
    "config_invalid",
    `the keyset \`${bundle.keyset}\` trusts the example key, whose private half everybody has, and \`${open.listen}\` can be reached by others: make your own with \`sallyport bundle keygen\` and \`sallyport keyset new\``,
  );
}
