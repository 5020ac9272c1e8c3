/** Where a listener may stand. */
import { Fault } from "../runtime/fault.ts";

/** A host and a port; port 0 picks a free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Whether a host names this machine only. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** `host:port`, an IPv6 host in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Refuses a listener that others can reach without TLS. Throws `address_unusable`. */
export function requireTls(address: Address, hasTls: boolean, insecure: boolean): void {
  if (hasTls || insecure || isLoopbackHost(address.host)) return;
  throw new Fault(
    "address_unusable",
    `\`${formatAddress(address)}\` can be reached from elsewhere and has no TLS; configure \`tls\`, listen on loopback, or spell out \`insecure\``,
  );
}
