/** Ends a session through EMQX's REST API. */
import type { SessionNames } from "../../enforcement/broker-session.ts";
import { Fault } from "../../runtime/fault.ts";

/** Where the API is (`http://host:18083/api/v5`), and an API key with its secret. */
export interface EmqxApi {
  readonly url: string;
  readonly key: string;
  readonly secret: string;
}

/** Kicks the client. One that is not there is fine. @throws Fault `unreachable` */
export async function kickEmqx({ url, key, secret }: EmqxApi, names: SessionNames): Promise<void> {
  const answer = await fetch(`${url}/clients/${encodeURIComponent(names.clientId)}`, {
    method: "DELETE",
    headers: { authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString("base64")}` },
    signal: AbortSignal.timeout(5000),
  });
  if (!answer.ok && answer.status !== 404)
    throw new Fault("unreachable", `the REST API answered ${answer.status}`);
}
