/** Ends a connection through RabbitMQ's management API. */
import type { SessionNames } from "../../enforcement/broker-session.ts";
import { Fault } from "../../runtime/fault.ts";

/** Where the API is and who we are there (tag `administrator` or `monitoring` with `policymaker`). */
export interface ManagementApi {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

interface Connection {
  readonly name: string;
  readonly user?: string;
  readonly client_properties?: { readonly client_id?: unknown };
}

const timeoutMs = 5000;
/** The API lists a connection a moment after it was opened. */
const attempts = 10;

async function call(api: ManagementApi, method: string, path: string, why?: string): Promise<Response> {
  const credentials = Buffer.from(`${api.user}:${api.password}`).toString("base64");
  return fetch(`${api.url}${path}`, {
    method,
    headers: { authorization: `Basic ${credentials}`, ...(why === undefined ? {} : { "x-reason": why }) },
    signal: AbortSignal.timeout(timeoutMs),
  });
}

/** Closes every connection of the session's client. @throws Fault `unreachable` where the API does not do it. */
export async function kickRabbit(api: ManagementApi, names: SessionNames, why: string): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const listed = await call(api, "GET", "/api/connections?columns=name,user,client_properties");
    if (!listed.ok) throw new Fault("unreachable", `the management API answered ${listed.status}`);
    const all = (await listed.json()) as readonly Connection[];
    const theirs = all.filter(
      ({ user, client_properties }) =>
        client_properties?.client_id === names.clientId ||
        (client_properties?.client_id === undefined && user === names.username),
    );
    for (const { name } of theirs)
      await call(api, "DELETE", `/api/connections/${encodeURIComponent(name)}`, why);
    if (theirs.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
