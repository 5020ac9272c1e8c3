/**
 * An MQTT broker that asks Sallyport about everything: Aedes behind TLS, with client certificates asked for
 * but not demanded (a device may also prove itself by a token or a secret). `main.ts` starts it.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { Aedes } from "aedes";
import { type AedesHooks, type AedesOptions, aedesHooks } from "../../src/adapters/aedes/aedes.ts";

export interface BrokerOptions extends AedesOptions {
  /** 0 picks a free port. */
  readonly port: number;
  readonly host?: string;
  /** PEM: the broker's own certificate and key, and the authority of the devices. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string };
}

export interface Broker extends AsyncDisposable {
  readonly port: number;
  readonly aedes: Aedes;
  readonly hooks: AedesHooks;
}

export async function startBroker({
  port,
  host = "127.0.0.1",
  tls,
  ...options
}: BrokerOptions): Promise<Broker> {
  const hooks = aedesHooks(options);
  const aedes = await Aedes.createBroker({ ...hooks, drainTimeout: 10_000 });
  const server = createServer(
    // The handshake proves that a client holds its certificate's key. Whether the certificate is worth
    // anything is Sallyport's decision, with the reason in its log; so the broker does not refuse it here.
    { ...tls, requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.2" },
    (socket) => void aedes.handle(socket),
  );
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    aedes,
    hooks,
    async [Symbol.asyncDispose]() {
      server.close();
      hooks.detach();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
    },
  };
}
