/** Where a listener stands. */
import { isIP } from "node:net";
import { Fault } from "../runtime/fault.ts";

/** A host, without brackets, and a port; port 0 picks a free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, an IPv6 host in brackets. */
export function formatAddress({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether an IP address, as sockets report it, is this machine's loopback. */
export function isLoopbackIp(ip: string): boolean {
  return ip === "::1" || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(ip);
}

/** Throws `config_invalid` where proofs would travel in clear and nobody said that they may. */
export function requireProtection({ host, port }: Address, tls: unknown, insecure: boolean): void {
  if (tls !== undefined || insecure || host === "localhost" || isLoopbackIp(host)) return;
  throw new Fault(
    "config_invalid",
    `\`${formatAddress({ host, port })}\` is not on loopback: give \`tls\`, or say \`insecure\` to listen without it`,
  );
}
