/** Ends a session through VerneMQ's HTTP administration interface. */
import type { SessionNames } from "../../enforcement/broker-session.ts";
import { Fault } from "../../runtime/fault.ts";

/** Where the interface is, and an API key of it. */
export interface VerneApi {
  readonly url: string;
  readonly key: string;
}

/** Disconnects the client and forgets its session. @throws Fault `unreachable` */
export async function kickVerne({ url, key }: VerneApi, names: SessionNames): Promise<void> {
  const path = `/api/v1/session/disconnect?client-id=${encodeURIComponent(names.clientId)}&--cleanup`;
  const answer = await fetch(`${url}${path}`, {
    headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` },
    signal: AbortSignal.timeout(5000),
  });
  if (!answer.ok) throw new Fault("unreachable", `the administration interface answered ${answer.status}`);
}
