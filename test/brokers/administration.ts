/** An HTTP interface of a broker that remembers what it was told: VerneMQ's and EMQX's cannot be run here. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Administration extends AsyncDisposable {
  readonly url: string;
  /** `METHOD path`, in order, with who asked. */
  readonly told: readonly { readonly call: string; readonly authorization: string }[];
  /** Status of the next answers. */
  status: number;
}

export async function startAdministration(): Promise<Administration> {
  const told: { call: string; authorization: string }[] = [];
  const server = createServer((request, response) => {
    told.push({
      call: `${request.method} ${request.url}`,
      authorization: Buffer.from(
        (request.headers.authorization ?? "").replace("Basic ", ""),
        "base64",
      ).toString(),
    });
    response.writeHead(administration.status).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const administration: Administration = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    status: 200,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return administration;
}
