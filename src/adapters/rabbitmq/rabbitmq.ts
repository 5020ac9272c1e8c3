/** The dialect of `rabbitmq_auth_backend_http`: four paths, forms or query strings in, `allow` or `deny` out. */
import { actableUntil, type BrokerDoor, loginEvidence } from "../../enforcement/broker-door.ts";
import type { HttpRequest, HttpResponse } from "../../runtime/ports.ts";
import { toAnswer } from "./from-decision.ts";
import { type Fields, fieldsOf, isOwnResource, toQuery } from "./to-query.ts";

export { kickRabbit } from "./kick.ts";
export { supports } from "./supports.ts";

/** The paths below the broker's own. */
export const paths = ["user", "vhost", "resource", "topic"] as const;

/**
 * Answers one call. Never throws: what cannot be answered is a denial. A client names the virtual host that it wants, so
 * that every call is held to the only one that devices may use.
 */
export async function answerRabbit(
  door: BrokerDoor,
  vhost: string,
  path: string,
  request: Pick<HttpRequest, "body" | "query">,
): Promise<HttpResponse> {
  try {
    const fields = { ...request.query, ...fieldsOf(Buffer.from(request.body).toString("utf8")) };
    if (fields["vhost"] !== vhost) return toAnswer(false);
    return toAnswer(await judge(door, path, fields));
  } catch (thrown) {
    door.point.parts.onFault?.(thrown);
    return toAnswer(false);
  }
}

async function judge(door: BrokerDoor, path: string, fields: Fields): Promise<boolean> {
  const { point } = door;
  if (path === "user") {
    // Without a client id it is no MQTT client: such users belong into another backend.
    const { client_id: clientId = "", username = "", password = "" } = fields;
    if (clientId === "" || username === "") return false;
    const evidence = loginEvidence(username, password);
    const { decision, session } = await point.connect({
      names: { clientId, username },
      evidence,
      address: fields["ip"] ?? "",
    });
    if (session !== undefined) door.promised(decision, actableUntil(door, decision));
    return session !== undefined;
  }
  const clientId = fields["client_id"] ?? fields["variable_map.client_id"] ?? "";
  const session = await point.sessionOf(clientId, fields["username"]);
  if (session === undefined) return false;
  if (path === "vhost") return true;
  if (path === "resource") return isOwnResource(session, fields);
  const query = toQuery(door, session, fields);
  if (query === undefined) return false;
  const { decision, ruling } = await point.ask(session, query);
  if (ruling.allow) door.promised(decision, actableUntil(door, session.decision));
  return ruling.allow;
}
