import * as z from "zod";
import type { ActorsConfig, TrustDomainConfig } from "./config.ts";

const keyProtection = z.enum(["software", "secure_element", "tpm", "tee"]);
const usage = z.enum(["telemetry", "control"]);
const file = { file: true };

/** Schema of one entry of `trust_domains`. */
export const trustDomainSchema: z.ZodType<TrustDomainConfig> = z
  .strictObject({
    name: z.string().min(1).describe("Name, as in SPIFFE ids and device records; unique."),
    roots: z.string().min(1).exactOptional().describe("PEM file of the root certificates.").meta(file),
    jwks: z
      .string()
      .min(1)
      .exactOptional()
      .describe("JWKS file of the keys that sign device tokens.")
      .meta(file),
    issuer: z.string().min(1).exactOptional().describe("`iss` that device tokens must have."),
    audience: z.string().min(1).exactOptional().describe("`aud` that device tokens must have."),
    spiffe_path: z
      .string()
      .startsWith("/")
      .refine((path) => path.includes("{device}"), "must contain `{device}`")
      .default("/tenant/{tenant}/device/{device}")
      .describe("Path of the SPIFFE URI SAN of a device certificate, with `{tenant}` and `{device}`."),
    cn_fallback: z
      .boolean()
      .default(false)
      .describe(
        "Take the device id from the subject's CN where a certificate has no URI SAN; needs `tenant`.",
      ),
    tenant: z
      .string()
      .min(1)
      .exactOptional()
      .describe("Tenant of proofs that name none (`spiffe_path` without `{tenant}`, CN, shared secrets)."),
    key_protection: keyProtection
      .default("software")
      .describe("Where private keys live, unless the issuer says more."),
    key_protection_by_issuer: z
      .record(z.string(), keyProtection)
      .default({})
      .describe("Where private keys live, by CN of the issuing CA."),
    usage: usage.default("telemetry").describe("Plane of its credentials, unless a policy says more."),
    usage_by_policy: z
      .record(z.string().regex(/^\d+(\.\d+)+$/, "must be a dotted OID"), usage)
      .default({})
      .describe("Plane of a certificate, by OID among its certificate policies or extended key usages."),
  })
  .refine((domain) => !domain.cn_fallback || domain.tenant !== undefined, {
    error: "a CN names no tenant: give `tenant` with `cn_fallback`",
    path: ["tenant"],
  })
  .refine(
    (domain) => domain.jwks === undefined || (domain.issuer !== undefined && domain.audience !== undefined),
    {
      error: "give `issuer` and `audience` with `jwks`",
      path: ["jwks"],
    },
  );

/** Schema of `actors`. */
export const actorsSchema: z.ZodType<ActorsConfig> = z.strictObject({
  issuer: z.string().min(1).describe("`iss` that tokens of people and services must have."),
  audience: z.string().min(1).describe("`aud` that they must have."),
  jwks: z.string().min(1).describe("JWKS file of the keys that sign them.").meta(file),
});
