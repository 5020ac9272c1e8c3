/** `sallyport bundle`. */
import type { Command } from "commander";
import { bundleInspect } from "./bundle-inspect.ts";
import { bundleKeys } from "./bundle-keys.ts";
import { bundleRollback } from "./bundle-rollback.ts";
import { bundleServe } from "./bundle-serve.ts";
import { bundleStatus } from "./bundle-status.ts";

/** Adds `bundle` and its commands. */
export function bundle(program: Command): void {
  const parent = program
    .command("bundle")
    .summary("look at, sign, approve, serve and move policy bundles")
    .description("Look at, sign, approve, serve and move policy bundles.");
  bundleInspect(parent);
  bundleKeys(parent);
  bundleRollback(parent);
  bundleServe(parent);
  bundleStatus(parent);
}
