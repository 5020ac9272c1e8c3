/** Options as the program sees them: validated, complete, frozen, every path absolute. `schema.ts` describes each. */

import type { RecordKind } from "../decision/facts.ts";
import type { Origin } from "../decision/report.ts";
import type { BrokerConfig } from "./brokers-schema.ts";

/** Files of a listener's TLS, PEM; `client_ca` makes client certificates mandatory. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly client_ca?: string;
}

/** One listener. `listen` is `host:port`, an IPv6 host in brackets; port 0 picks a free one. */
export interface ListenerConfig {
  readonly listen: string;
  readonly tls?: TlsFiles;
}

/** How a caller is recognised as a peer; every member that is given must hold. */
export interface PeerMatch {
  readonly uri?: string;
  readonly dns?: string;
  readonly fingerprint?: string;
  readonly loopback?: true;
}

/** An enforcement point: who it is, where it stands, what it may do. */
export interface PeerConfig {
  readonly name: string;
  readonly match: PeerMatch;
  readonly env: string;
  readonly region: string;
  readonly endpoint: string;
  readonly zone: string;
  readonly tenants: readonly string[];
  readonly origin: Origin;
  readonly kinds: readonly (
    | "connect"
    | "publish"
    | "subscribe"
    | "command"
    | "consume"
    | "inspect"
    | "admin"
    | "feed"
    | "*"
  )[];
  readonly may_assert: readonly ("credential" | "gateway" | "actor" | "approvals" | "break_glass")[];
}

/** Where a private key lives. */
type KeyProtection = "software" | "secure_element" | "tpm" | "tee";
/** Plane that a credential may be used on. */
type Usage = "telemetry" | "control";

/** One trust domain: what proves an identity in it, and how its certificates are read. */
export interface TrustDomainConfig {
  readonly name: string;
  readonly roots?: string;
  readonly jwks?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly spiffe_path: string;
  readonly cn_fallback: boolean;
  readonly tenant?: string;
  readonly key_protection: KeyProtection;
  readonly key_protection_by_issuer: Readonly<Record<string, KeyProtection>>;
  readonly usage: Usage;
  readonly usage_by_policy: Readonly<Record<string, Usage>>;
}

/** Whose tokens name the people and services that send commands. */
export interface ActorsConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly jwks: string;
}

/** A token bucket; `per_s: 0` means no limit. */
export interface BucketConfig {
  readonly per_s: number;
  readonly burst: number;
}

/** Where the policy comes from and what must stand behind it. */
export interface BundleConfig {
  readonly file?: string;
  readonly http?: {
    readonly url: string;
    readonly token_file?: string;
    readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
    readonly long_poll_s: number;
    readonly backoff_s: number;
    readonly timeout_s: number;
  };
  readonly nats?: {
    readonly servers: readonly string[];
    readonly bucket: string;
    readonly name: string;
    readonly credentials_file?: string;
    readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
    readonly backoff_s: number;
  };
  readonly poll_s: number;
  readonly dir?: string;
  readonly checks: {
    readonly min_cases: number;
    readonly deadline_s: number;
    readonly p99_us: number;
    readonly memory_mib: number;
  };
  readonly shadow: {
    readonly mode: "off" | "auto" | "manual";
    readonly sample: number;
    readonly for_s: number;
    readonly min_queries: number;
    readonly max_newly_denied: number;
    readonly max_newly_allowed: number;
  };
  readonly keyset?: string;
  readonly scope: string;
  readonly unsigned: "refuse" | "allow";
}

/** What a source of records claims for itself. */
export interface SourceClaims {
  readonly kinds?: readonly RecordKind[];
  readonly tenants?: readonly string[];
  readonly origin: Origin;
}

/** A server as a source of records. */
export interface HttpSourceConfig extends SourceClaims {
  readonly name: string;
  readonly url: string;
  readonly token_file?: string;
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly poll_s: number;
  readonly backoff_s: number;
  readonly silence_s: number;
  readonly max_delete_share: number;
  readonly write_back_url?: string;
}

/** Where records are kept and where they come from. */
export interface RegistryConfig {
  readonly dir: string;
  readonly file?: SourceClaims & {
    readonly path: string;
    readonly poll_s: number;
    readonly max_delete_share: number;
    readonly write_back: boolean;
  };
  readonly http: readonly HttpSourceConfig[];
  readonly nats?: SourceClaims & {
    readonly bucket: string;
    readonly max_delete_share: number;
    readonly write_back: boolean;
  };
  readonly push: { readonly max_delete_share: number; readonly silence_s: number };
  readonly attestation: {
    readonly verifiers: readonly { readonly name: string; readonly jwks: string }[];
    readonly signed_only: boolean;
  };
}

/** Every option of the service. */
export interface Config {
  readonly workers?: number;
  readonly processes: { readonly evaluation_s: number; readonly silent_s: number };
  readonly grpc: ListenerConfig;
  readonly http: ListenerConfig;
  readonly insecure: boolean;
  readonly bundle: BundleConfig;
  readonly registry: RegistryConfig;
  readonly nats?: {
    readonly servers: readonly string[];
    readonly credentials?: string;
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  };
  readonly overrides: {
    readonly dir?: string;
    readonly initialize: boolean;
    readonly nats?: { readonly bucket: string };
    readonly node_lease_s: number;
    readonly hard_s: number;
  };
  readonly peers: readonly PeerConfig[];
  readonly brokers: readonly BrokerConfig[];
  readonly trust_domains: readonly TrustDomainConfig[];
  readonly actors?: ActorsConfig;
  readonly cache: {
    readonly max_subjects: number;
    readonly max_answers_per_subject: number;
    readonly max_denied_subjects: number;
  };
  readonly coherence: {
    readonly lease_s: number;
    readonly usable_s: number;
    readonly max_promises: number;
  };
  readonly limits: {
    readonly message_bytes: number;
    readonly metadata_bytes: number;
    readonly topic_bytes: number;
    readonly token_bytes: number;
    readonly chain_certificates: number;
    readonly filters: number;
    readonly batch: number;
    readonly approvals: number;
    readonly streams_per_connection: number;
  };
  readonly rate_limits: {
    readonly per_credential: BucketConfig;
    readonly per_peer: BucketConfig;
    readonly max_buckets: number;
    readonly reserved_share: number;
    readonly reserved_topics: readonly string[];
  };
  readonly decision_log: {
    readonly sink: "none" | "stdout" | "file";
    readonly path?: string;
    readonly max_bytes: number;
    readonly keep: number;
    readonly queue_max: number;
    readonly aggregate_hits_s: number;
  };
  readonly log: { readonly level: "debug" | "info" | "warn" | "error" | "silent"; readonly pretty: boolean };
  readonly shutdown: { readonly drain_s: number };
}
