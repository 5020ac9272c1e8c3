import * as z from "zod";
import type { PeerConfig } from "./config.ts";
import { originSchema } from "./origin-schema.ts";

const match = z
  .strictObject({
    uri: z.url().exactOptional().describe("URI SAN of its client certificate, such as a SPIFFE id."),
    dns: z.string().min(1).exactOptional().describe("DNS SAN of its client certificate."),
    fingerprint: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hexadecimal digits")
      .exactOptional()
      .describe("SHA-256 of its client certificate (DER), 64 lower-case hexadecimal digits."),
    loopback: z
      .literal(true)
      .exactOptional()
      .describe("It calls from this machine's loopback address; needs no certificate."),
  })
  .refine(
    (given) => Object.keys(given).length > 0,
    "name at least one of `uri`, `dns`, `fingerprint`, `loopback`",
  )
  .describe("How it is recognised; all that is given must hold.");

/** Schema of one entry of `peers`. */
export const peerSchema: z.ZodType<PeerConfig> = z.strictObject({
  name: z.string().min(1).max(64).describe("Its name in logs and metrics; unique."),
  match,
  env: z.enum(["prod", "staging", "lab"]).describe("Environment that it serves."),
  region: z.string().min(1).describe("Region that it serves in."),
  endpoint: z.string().min(1).describe("Logical endpoint, as policies name it."),
  zone: z.string().default("").describe("Zone that commands from it originate in; empty: none."),
  tenants: z.array(z.string().min(1)).min(1).describe("Tenants that it may ask about; `*` for all."),
  kinds: z
    .array(z.enum(["connect", "publish", "subscribe", "command", "consume", "inspect", "admin", "feed", "*"]))
    .min(1)
    .default(["*"])
    .describe(
      "Kinds of question that it may ask, and `inspect` to explain decisions and read records; `*` for all of these. `admin` (sets and lifts overrides) and `feed` (writes records) must be named.",
    ),
  origin: originSchema.describe(
    "As whose word the records count that it pushes (kind `feed`). `verifier` and `device` may push records of kind `report` of that origin only.",
  ),
  may_assert: z
    .array(z.enum(["credential", "gateway", "actor", "approvals", "break_glass"]))
    .default([])
    .describe(
      "What it may vouch for without proof, such as the `credential` of a device whose TLS it ended.",
    ),
});
