/** Who asks and on whose behalf: evidence as it arrives, identity once it is proven. */
import type { Credential } from "./facts.ts";
import type { Origin } from "./report.ts";

/** What a face received as proof; worth nothing until it is verified. */
export type Evidence =
  /** DER certificates, leaf first, as the broker saw them in its TLS handshake. */
  | { readonly type: "x509"; readonly chain: readonly Uint8Array[] }
  /** A compact JWS (RFC 7519). */
  | { readonly type: "jwt"; readonly token: string }
  /** A device or shared-secret name with its secret (MQTT user name and password, a pre-shared key, a claim). */
  | { readonly type: "secret"; readonly name: string; readonly secret: string }
  /** The word of a peer that terminated the proof itself; counts only where its configuration says so. */
  | { readonly type: "asserted"; readonly credential: Credential };

/** A proven identity. `key` is unique per proof and cheap to compare. */
export interface Identity {
  readonly key: string;
  readonly credential: Credential;
}

/**
 * Where the enforcement point stands and what it may do: from its configuration entry, bound by its
 * own mTLS identity. No message can change any of it.
 */
export interface Peer {
  readonly name: string;
  readonly env: string;
  readonly region: string;
  readonly endpoint: string;
  /** Zone that commands from this peer originate in; empty: none. */
  readonly source_zone: string;
  /** Tenants it may ask about; `*`: all. */
  readonly tenants: readonly string[];
  /** Kinds of question it may ask; `*`: all. */
  readonly kinds: readonly string[];
  /** What it may vouch for: `credential`, `gateway`, `actor`, `approvals`, `break_glass`. */
  readonly may_assert: readonly string[];
  /** As whose word the records count that it pushes; absent: the operator's. */
  readonly origin?: Origin;
}
