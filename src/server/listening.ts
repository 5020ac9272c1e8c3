/** Opening of a port. */
import { type AddressInfo, createServer, type Server } from "node:net";
import { Fault } from "../runtime/fault.ts";
import { type Address, formatAddress } from "./address.ts";

const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there: stop it or choose another port",
  EACCES: "this user may not open it: choose a port above 1023",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "the host name is unknown",
};

/** What the operating system says, with what can be done about it. */
export function unusable(address: Address, thrown: unknown): Fault {
  const why = advice[(thrown as { code?: string }).code ?? ""] ?? "it cannot be opened";
  const text = `cannot listen on \`${formatAddress(address)}\`: ${why}`;
  return new Fault("address_unusable", text, { cause: thrown });
}

/**
 * The address with a port that was free a moment ago, for others to listen on. Throws `address_unusable`.
 */
export async function probe(address: Address): Promise<Address> {
  const server = createServer();
  const found = await listen(server, address);
  await new Promise((resolve) => server.close(resolve));
  return found;
}

/** Listens; resolves to the address with the port that was picked. Throws `address_unusable`. */
export function listen(server: Server, address: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    const failed = (thrown: unknown): void => reject(unusable(address, thrown));
    server.once("error", failed);
    server.listen({ host: address.host, port: address.port }, () => {
      server.off("error", failed);
      resolve({ host: address.host, port: (server.address() as AddressInfo).port });
    });
  });
}
