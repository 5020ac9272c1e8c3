/** The policy data that tests compare with. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { root } from "./tables.ts";

const { site } = parse(readFileSync(join(root, "policies", "data.yaml"), "utf8")) as {
  readonly site: { readonly gate_order: readonly string[]; readonly allow_order: readonly string[] };
};

export const gateOrder: readonly string[] = site.gate_order;
export const allowOrder: readonly string[] = site.allow_order;
