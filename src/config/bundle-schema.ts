import * as z from "zod";
import type { BundleConfig } from "./config.ts";

/** Schema of the section `bundle`. */
export const bundleSchema: z.ZodType<BundleConfig, unknown> = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .describe("Policy bundle (`.tar.gz`) as built from `policies/`; watched.")
      .meta({ file: true }),
    poll_s: z.number().min(0.05).max(3600).default(2).describe("How often the source is looked at, seconds."),
    keyset: z
      .string()
      .min(1)
      .exactOptional()
      .describe("Keyset (JSON): who may sign and approve bundles, and how many of them are needed.")
      .meta({ file: true }),
    scope: z
      .string()
      .default("")
      .describe("Scope that signatures must be for, as in `opa build --scope`; empty: none."),
    unsigned: z
      .enum(["refuse", "allow"])
      .default("refuse")
      .describe(
        "What becomes of a bundle without a signature. One with a wrong signature is always refused.",
      ),
  })
  .describe("The policy.");
