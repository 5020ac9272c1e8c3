/** Which configuration entry a caller matches: by its client certificate, or by calling from this machine. */
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { Peer } from "../decision/identity.ts";
import { Fault } from "../runtime/fault.ts";

/** How a caller is recognised; every member that is given must hold. */
export interface PeerMatch {
  /** URI SAN of the client certificate. */
  readonly uri?: string;
  /** DNS SAN of the client certificate. */
  readonly dns?: string;
  /** SHA-256 of the client certificate (DER), lower-case hexadecimal. */
  readonly fingerprint?: string;
  /** Calls from a loopback address. */
  readonly loopback?: true;
}

/** One configured peer. */
export interface PeerEntry {
  readonly match: PeerMatch;
  readonly peer: Peer;
}

/** A connection as its socket shows it. */
export interface Caller {
  readonly remoteAddress: string | undefined;
  /** The verified client certificate; absent without mTLS. */
  readonly certificate: Pick<PeerCertificate, "subjectaltname" | "fingerprint256"> | undefined;
}

/** Whether an address is this machine's loopback. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  return address === "::1" || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address);
}

// Node writes subject alternative names as `URI:spiffe://x, DNS:y`; a name with a comma or quote is quoted as JSON.
function alternativeNames(text: string | undefined): string[] {
  if (text === undefined) return [];
  return (text.match(/(?:[^,"]|"(?:\\.|[^"\\])*")+/g) ?? []).map((name) => {
    const trimmed = name.trim();
    const quoted = /^([A-Za-z ]+):(".*")$/.exec(trimmed);
    return quoted === null ? trimmed : `${quoted[1]}:${JSON.parse(quoted[2] as string) as string}`;
  });
}

function matches(match: PeerMatch, caller: Caller): boolean {
  const { certificate } = caller;
  const names = alternativeNames(certificate?.subjectaltname);
  if (match.uri !== undefined && !names.includes(`URI:${match.uri}`)) return false;
  if (match.dns !== undefined && !names.includes(`DNS:${match.dns}`)) return false;
  if (match.fingerprint !== undefined) {
    const fingerprint = certificate?.fingerprint256?.replaceAll(":", "").toLowerCase();
    if (fingerprint !== match.fingerprint) return false;
  }
  if (match.loopback === true && !isLoopback(caller.remoteAddress)) return false;
  return Object.keys(match).length > 0;
}

/** A socket as far as it is needed here. */
export type PeerSocket = Pick<TLSSocket, "remoteAddress"> &
  Partial<Pick<TLSSocket, "authorized" | "getPeerCertificate">>;

function callerOf(socket: PeerSocket): Caller {
  const { remoteAddress } = socket;
  if (socket.authorized !== true || socket.getPeerCertificate === undefined)
    return { remoteAddress, certificate: undefined };
  const certificate = socket.getPeerCertificate();
  return { remoteAddress, certificate: certificate.fingerprint256 === undefined ? undefined : certificate };
}

/** Finds the peer of a connection; remembered for as long as the connection lives. */
export class PeerTable {
  readonly #entries: readonly PeerEntry[];
  // A connection keeps the identity that its handshake proved.
  readonly #known = new WeakMap<object, Peer | Fault>();

  constructor(entries: readonly PeerEntry[]) {
    this.#entries = entries;
  }

  /** The peer behind a socket; the first entry that matches. Throws `peer_unknown`. */
  of(socket: PeerSocket): Peer {
    const known = this.#known.get(socket);
    if (known !== undefined) {
      if (known instanceof Fault) throw known;
      return known;
    }
    const caller = callerOf(socket);
    const entry = this.#entries.find(({ match }) => matches(match, caller));
    if (entry !== undefined) {
      this.#known.set(socket, entry.peer);
      return entry.peer;
    }
    const seen =
      caller.certificate === undefined
        ? "no client certificate"
        : alternativeNames(caller.certificate.subjectaltname).join(", ");
    const fault = new Fault(
      "peer_unknown",
      `no peer entry matches the caller at \`${caller.remoteAddress ?? "an unknown address"}\` (${seen}); add one under \`peers\``,
    );
    this.#known.set(socket, fault);
    throw fault;
  }
}
