/** What an MQTT client presents as proof of who it is. */
import type { Evidence } from "../../decision/identity.ts";
import type { AedesClient } from "./dialect.ts";

/** Longest chain passed on. */
const longestChain = 8;

interface PeerCertificate {
  readonly raw?: Uint8Array;
  readonly issuerCertificate?: PeerCertificate;
}

interface TlsSocket {
  getPeerCertificate(detailed: true): PeerCertificate | null;
}

function isTlsSocket(socket: object | undefined): socket is TlsSocket {
  return socket !== undefined && typeof (socket as Partial<TlsSocket>).getPeerCertificate === "function";
}

/**
 * DER certificates of the client, leaf first; empty where it presented none or the listener is plain. The
 * handshake proves that the client holds the leaf's key; whether the chain leads anywhere is not judged here.
 */
export function certificateChain(client: AedesClient): Uint8Array[] {
  const socket = [client.conn, client.req?.socket].find(isTlsSocket);
  const chain: Uint8Array[] = [];
  let certificate = socket?.getPeerCertificate(true) ?? undefined;
  while (certificate?.raw !== undefined && chain.length < longestChain) {
    chain.push(certificate.raw);
    // Node ends the list with a self-signed certificate that is its own issuer.
    if (certificate.issuerCertificate === certificate) break;
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

/** Three base64url parts whose header begins with `{"` (RFC 7515, 7.1). */
const compactJws = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/;

function text(password: Uint8Array | undefined): string | undefined {
  if (password === undefined || password.length === 0) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(password);
  } catch {
    return undefined;
  }
}

/**
 * The evidence of a connection. A certificate outranks a password; a password that looks like a compact JWS
 * is one; any other needs a user name beside it. `null`: nothing was proven, whatever the client calls itself.
 */
export function evidenceOf(
  client: AedesClient,
  username: string | undefined,
  password: Uint8Array | undefined,
): Evidence | null {
  const chain = certificateChain(client);
  if (chain.length > 0) return { type: "x509", chain };
  const secret = text(password);
  if (secret === undefined) return null;
  if (compactJws.test(secret)) return { type: "jwt", token: secret };
  return username ? { type: "secret", name: username, secret } : null;
}
