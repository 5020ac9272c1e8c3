import type { Config } from "./config.ts";
import { isTree } from "./tree.ts";

const hidden = "(hidden)";
const secretName = /(^|_)(secret|password|passphrase|token|credential)s?$/;

/**
 * A copy of the configuration that may be printed. No option holds a secret, only the names of files that do;
 * should a value look like one nevertheless (a URL with user information, a string option named like a secret,
 * PEM text where a path belongs), it is not shown.
 */
export function redact(config: Config): unknown {
  const visit = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((item) => visit(item, ""));
    if (isTree(value)) {
      return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, visit(child, name)]));
    }
    if (typeof value !== "string") return value;
    if (secretName.test(key) || value.includes("-----BEGIN")) return hidden;
    return value.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@\s]+@/i, `$1${hidden}@`);
  };
  return visit(config, "");
}
