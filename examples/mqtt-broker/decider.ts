/** The ways to ask: a service over gRPC, question by question or attached, or the same service inside this process. */
import { startApp } from "../../src/app.ts";
import { attach, connect } from "../../src/client/client.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { Decider } from "../../src/decision/decision.ts";

/** A decider that can be closed. */
export interface Asked extends AsyncDisposable {
  readonly decider: Decider;
}

/** Asks the service at `address`. */
export function overGrpc(address: string): Asked {
  const client = connect({ address, onFault: (fault) => console.error(fault.message) });
  return { decider: client, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

/** Attaches to the service at `address`: repeated messages are answered from memory until the service says otherwise. */
export async function attached(address: string): Promise<Asked> {
  const client = attach({ addresses: [address], onFault: (fault) => console.error(fault.message) });
  await client.ready(10_000);
  return { decider: client, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

/**
 * Runs the service of a configuration file in this process, and asks it as its peer `peer`. Its own listeners
 * take free ports on this machine.
 */
export async function inProcess(file: string, peer: string): Promise<Asked> {
  const flags = { "grpc.listen": "127.0.0.1:0", "http.listen": "127.0.0.1:0" };
  const app = await startApp(loadConfig({ file, flags, cwd: process.cwd() }));
  return { decider: app.decider(peer), [Symbol.asyncDispose]: () => app.close() };
}
