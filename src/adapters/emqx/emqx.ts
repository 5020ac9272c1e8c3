/** The dialect of EMQX's HTTP authentication and authorization: JSON in, a result out. */
import { actableUntil, type BrokerDoor, qosCap } from "../../enforcement/broker-door.ts";
import { sessionGrants } from "../../enforcement/session-grants.ts";
import type { HttpRequest, HttpResponse } from "../../runtime/ports.ts";
import { admitted, allowed, refused } from "./from-decision.ts";
import { type EmqxRequest, toRequest } from "./to-query.ts";

export { kickEmqx } from "./kick.ts";
export { supports } from "./supports.ts";

/** The paths below the broker's own. */
export const paths = ["authn", "authz"] as const;

/** Answers one call. Never throws: what cannot be answered is a denial. */
export async function answerEmqx(
  door: BrokerDoor,
  path: string,
  { body }: Pick<HttpRequest, "body">,
): Promise<HttpResponse> {
  try {
    const request = toRequest(body);
    return path === "authn" ? await authenticate(door, request) : await authorize(door, request);
  } catch (thrown) {
    door.point.parts.onFault?.(thrown);
    return refused;
  }
}

async function authenticate(door: BrokerDoor, request: EmqxRequest): Promise<HttpResponse> {
  const { clientId, username, evidence, address } = request;
  const { decision, session } = await door.point.connect({
    names: { clientId, username },
    evidence,
    address,
  });
  if (session === undefined) return refused;
  const list = await sessionGrants(door, session);
  if (list === undefined) {
    door.point.closed(clientId);
    return refused;
  }
  const { proof } = session.subject;
  const tenant = proof !== null && "credential" in proof ? proof.credential.tenant : "";
  door.promised(decision, list.session_expires_at);
  return admitted(list.grants, list.session_expires_at, { tenant, device: clientId });
}

async function authorize(door: BrokerDoor, request: EmqxRequest): Promise<HttpResponse> {
  const { clientId, username, action, topic, qos, retain } = request;
  const session = await door.point.sessionOf(clientId, username);
  if (session === undefined) return refused;
  const { subject } = session;
  if (action !== "publish" && action !== "subscribe") return refused;
  const { decision, ruling } = await door.point.ask(
    session,
    action === "publish"
      ? { kind: "publish", subject, topic, qos, retain }
      : { kind: "subscribe", subject, filter: topic, qos },
  );
  if (!ruling.allow || qos > qosCap(session, decision)) return refused;
  // Publishes live in EMQX's own caches; a subscription lasts as long as the session.
  const until = action === "publish" ? door.now() + door.cacheS : actableUntil(door, session.decision);
  door.promised(decision, until);
  return allowed;
}
