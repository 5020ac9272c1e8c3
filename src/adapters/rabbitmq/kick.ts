/** Ends a connection through RabbitMQ's management API. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SessionNames } from "../../enforcement/broker-session.ts";
import { Fault } from "../../runtime/fault.ts";

/** Where the API is and who we are there (tag `administrator`, no permission in any virtual host). */
export interface ManagementApi {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

interface Connection {
  readonly name: string;
  readonly client_properties?: { readonly client_id?: unknown };
}

const timeoutMs = 5000;
/** Looks at a connection: one that was let in a moment ago is not there at once, and its client id up to 5 s later. */
const looksMs: readonly number[] = [0, 500, 1500, 3000, 5000];

async function call(api: ManagementApi, method: string, path: string, why?: string): Promise<unknown> {
  const credentials = Buffer.from(`${api.user}:${api.password}`).toString("base64");
  const answer = await fetch(`${api.url}/api/connections${path}`, {
    method,
    headers: { authorization: `Basic ${credentials}`, ...(why === undefined ? {} : { "x-reason": why }) },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (answer.status === 404) return [];
  if (!answer.ok) throw new Fault("unreachable", `the management API answered ${answer.status}`);
  return answer.status === 204 ? [] : answer.json();
}

/**
 * Closes the connections of a client. The API knows at once which connections a user has, but only after its next
 * collection (5 s) which client each of them is: so a user's only connection is closed by the user's name, and of several
 * the ones that are not known to be another client's.
 * @throws Fault `unreachable` where the API does not do it
 */
export async function kickRabbit(api: ManagementApi, names: SessionNames, why: string): Promise<void> {
  const user = `/username/${encodeURIComponent(names.username)}`;
  let open = 0;
  for (const waitMs of looksMs) {
    await sleep(waitMs, undefined, { ref: false });
    const theirs = (await call(api, "GET", user)) as readonly Connection[];
    if (theirs.length === 1) return void (await call(api, "DELETE", user, why));
    open = theirs.length;
    if (open === 0) continue;
    const listed = (await call(api, "GET", "?columns=name,client_properties")) as readonly Connection[];
    const clients = new Map(listed.map((each) => [each.name, each.client_properties?.client_id]));
    const own = theirs.filter(({ name }) => clients.get(name) === names.clientId);
    for (const { name } of own) await call(api, "DELETE", `/${encodeURIComponent(name)}`, why);
    if (theirs.every(({ name }) => clients.has(name))) return;
  }
  if (open > 0)
    throw new Fault("unreachable", "the management API does not tell whose connections these are");
}
