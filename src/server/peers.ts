/** Which configuration entry a caller is: by its certificate or its loopback address, never by what it says. */
import { createHash } from "node:crypto";
import type { Peer } from "../decision/identity.ts";
import { Fault } from "../runtime/fault.ts";
import { isLoopbackIp } from "./address.ts";
import { readNames } from "./subject-names.ts";

/** How a caller is recognised; all that is given must hold, and something must be given. */
export interface PeerMatch {
  /** URI SAN of its client certificate. One that ends in `/*` stands for every URI below it. */
  readonly uri?: string;
  /** DNS SAN of its client certificate. */
  readonly dns?: string;
  /** SHA-256 of its client certificate (DER), 64 lower-case hexadecimal digits. */
  readonly fingerprint?: string;
  /** It calls from this machine's loopback address; it may do without a certificate. */
  readonly loopback?: true;
}

/** A configured peer with how it is recognised. */
export interface PeerEntry {
  readonly match: PeerMatch;
  readonly peer: Peer;
}

/** A caller as its connection shows it. */
export interface Caller {
  /** IP address. */
  readonly ip: string;
  /** Its certificate, once its chain was verified in the TLS handshake: DER, and Node's list of SANs. */
  readonly certificate:
    | { readonly raw: Uint8Array; readonly subjectaltname?: string | undefined }
    | undefined;
}

interface Shown {
  readonly ip: string;
  readonly uris: readonly string[];
  readonly dns: readonly string[];
  readonly fingerprint: string;
}

function matchesUri(pattern: string, uri: string): boolean {
  if (!pattern.endsWith("/*")) return uri === pattern;
  const stem = pattern.slice(0, -1);
  return uri.length > stem.length && uri.startsWith(stem);
}

function matches({ uri, dns, fingerprint, loopback }: PeerMatch, shown: Shown): boolean {
  return (
    (uri !== undefined || dns !== undefined || fingerprint !== undefined || loopback !== undefined) &&
    (uri === undefined || shown.uris.some((each) => matchesUri(uri, each))) &&
    (dns === undefined || shown.dns.some((each) => each.toLowerCase() === dns.toLowerCase())) &&
    (fingerprint === undefined || shown.fingerprint === fingerprint) &&
    (loopback === undefined || isLoopbackIp(shown.ip))
  );
}

/** The configured peers. The first entry that matches is the caller's. */
export class PeerTable {
  readonly #entries: readonly PeerEntry[];

  constructor(entries: readonly PeerEntry[]) {
    this.#entries = entries;
  }

  /** The caller's peer. Throws `peer_unknown`. */
  match({ ip, certificate }: Caller): Peer {
    const names = readNames(certificate?.subjectaltname ?? "");
    const fingerprint =
      certificate === undefined ? "" : createHash("sha256").update(certificate.raw).digest("hex");
    const shown: Shown = { ip, ...names, fingerprint };
    const entry = this.#entries.find(({ match }) => matches(match, shown));
    if (entry !== undefined) return entry.peer;
    throw new Fault(
      "peer_unknown",
      certificate === undefined
        ? "no peer entry matches a caller without a certificate: present one that an entry names"
        : `no peer entry matches the certificate with SHA-256 \`${fingerprint}\`: add one, or present another`,
    );
  }
}
