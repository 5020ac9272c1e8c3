/** Answers as EMQX reads them: status 200 and a result, never `ignore`, never another status (that would fall through). */
import type { DoorGrant } from "../../enforcement/broker-door.ts";
import type { HttpResponse } from "../../runtime/ports.ts";

const respond = (body: object): HttpResponse => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

/** The denial. */
export const refused: HttpResponse = respond({ result: "deny" });

/** The allow of an authorization. */
export const allowed: HttpResponse = respond({ result: "allow" });

function toRule({ action, effect, filter, max_qos, retain }: DoorGrant): object {
  const qos = [0, 1, 2].filter((each) => effect === "deny" || each <= max_qos);
  const retained = action === "publish" ? { retain: effect === "deny" || retain ? "all" : false } : {};
  return { permission: effect, action, topic: filter, qos, ...retained };
}

/** The allow of an authentication: the whole list, closed by a denial of everything else, and its end. */
export function admitted(
  grants: readonly DoorGrant[],
  expireAt: number,
  attributes: Readonly<Record<string, string>>,
): HttpResponse {
  const ordered = [...grants].sort((a, b) => Number(a.effect === "allow") - Number(b.effect === "allow"));
  return respond({
    result: "allow",
    is_superuser: false,
    expire_at: expireAt,
    client_attrs: attributes,
    acl: [...ordered.map(toRule), { permission: "deny", action: "all", topic: "#" }],
  });
}
