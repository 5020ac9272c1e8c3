/** Ends a connection of a nats-server. */
import type { SessionNames } from "../../enforcement/broker-session.ts";
import type { Requests } from "../../runtime/ports.ts";

const timeoutMs = 2000;

/** Kicks a connection by its number, through a connection of the system account. Rejects with `unreachable`. */
export async function kickNats(system: Requests, { server, connection }: SessionNames): Promise<void> {
  if (server === undefined || connection === undefined) return;
  const body = Buffer.from(JSON.stringify({ cid: connection }));
  await system.request(`$SYS.REQ.SERVER.${server}.KICK`, body, timeoutMs);
}
