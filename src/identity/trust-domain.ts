/** Who may prove a device's identity, and how what they sign is read. */
import type { KeyProtection } from "../decision/facts.ts";
import { Fault } from "../runtime/fault.ts";
import { ChainVerifier } from "./chain.ts";
import { type KeySource, keysOf } from "./key-source.ts";
import { compilePath, type PathTemplate } from "./spiffe.ts";

/** Plane that a credential may be used on. */
export type Usage = "telemetry" | "control";

/** Where device paths stand in SPIFFE ids unless a trust domain says otherwise. */
export const defaultSpiffePath = "/tenant/{tenant}/device/{device}";

/** One trust domain, as the configuration names its members. What it leaves out it does not accept. */
export interface TrustDomain {
  /** As in SPIFFE ids and device records. */
  readonly name: string;
  /** PEM text of the roots of certificate chains. */
  readonly roots?: string;
  /** Public keys of device tokens (a JWKS, RFC 7517), with the `iss` and `aud` that tokens must have. */
  readonly jwks?: unknown;
  readonly issuer?: string;
  readonly audience?: string;
  /** Path of device SPIFFE ids, with `{device}` and, where tenants differ, `{tenant}`. */
  readonly spiffe_path?: string;
  /** Whether a certificate without URI SAN may name its device by its CN; needs `tenant`. */
  readonly cn_fallback?: boolean;
  /** Tenant of proofs that name none. */
  readonly tenant?: string;
  /** Where private keys live, by default and by CN of the issuing CA. Devices have no say in it. */
  readonly key_protection?: KeyProtection;
  readonly key_protection_by_issuer?: Readonly<Record<string, KeyProtection>>;
  /** Plane of its credentials, by default and by OID of a certificate policy or extended key usage. */
  readonly usage?: Usage;
  readonly usage_by_policy?: Readonly<Record<string, Usage>>;
}

/** A trust domain made ready. */
export interface Domain {
  readonly name: string;
  readonly chains: ChainVerifier | undefined;
  readonly tokens:
    | { readonly keys: KeySource; readonly issuer: string; readonly audience: string }
    | undefined;
  readonly path: PathTemplate;
  readonly cnFallback: boolean;
  readonly tenant: string | undefined;
  readonly keyProtection: KeyProtection;
  readonly keyProtectionByIssuer: ReadonlyMap<string, KeyProtection>;
  readonly usage: Usage;
  readonly usageByPolicy: ReadonlyMap<string, Usage>;
}

function tokensOf({ jwks, issuer, audience }: TrustDomain): Domain["tokens"] {
  if (jwks === undefined) return undefined;
  if (issuer !== undefined && audience !== undefined) return { keys: keysOf(jwks), issuer, audience };
  throw new Fault("config_invalid", "give `issuer` and `audience` with `jwks`");
}

/** Makes a trust domain ready. Throws `config_invalid`. */
export function openDomain(given: TrustDomain): Domain {
  try {
    if (given.cn_fallback === true && given.tenant === undefined) {
      throw new Fault("config_invalid", "a CN names no tenant: give `tenant` with `cn_fallback`");
    }
    return {
      name: given.name,
      chains: given.roots === undefined ? undefined : new ChainVerifier(given.roots),
      tokens: tokensOf(given),
      path: compilePath(given.spiffe_path ?? defaultSpiffePath),
      cnFallback: given.cn_fallback ?? false,
      tenant: given.tenant,
      keyProtection: given.key_protection ?? "software",
      keyProtectionByIssuer: new Map(Object.entries(given.key_protection_by_issuer ?? {})),
      usage: given.usage ?? "telemetry",
      usageByPolicy: new Map(Object.entries(given.usage_by_policy ?? {})),
    };
  } catch (thrown) {
    const { message } = Fault.from(thrown, "config_invalid", "cannot be read");
    throw new Fault("config_invalid", `trust domain \`${given.name}\`: ${message}`, { cause: thrown });
  }
}
