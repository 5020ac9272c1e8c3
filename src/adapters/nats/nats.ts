/** NATS auth callout: one question at each connect, answered with a user whose permissions are the grants. */
import { fromCurveSeed } from "@nats-io/nkeys";
import type { BrokerDoor, DoorGrants } from "../../enforcement/broker-door.ts";
import { type BrokerSession, keyOf } from "../../enforcement/broker-session.ts";
import { sessionGrants } from "../../enforcement/session-grants.ts";
import type { Requests } from "../../runtime/ports.ts";
import { toPermissions } from "./from-decision.ts";
import { signJwt } from "./jwt.ts";
import { openSeed, type SigningKey } from "./nkeys.ts";
import { type AuthRequest, toRequest } from "./to-query.ts";

export { kickNats } from "./kick.ts";
export { supports } from "./supports.ts";

/** Parts of a callout. */
export interface NatsCalloutOptions {
  readonly door: BrokerDoor;
  /** Seed of the account that signs (`auth_callout.issuer`). */
  readonly issuerSeed: string;
  /** Account that devices are put into. */
  readonly account: string;
  /** Curve seed (`SX...`) of `auth_callout.xkey`: then requests are sealed, and one that is not is refused. */
  readonly xkeySeed?: string;
}

/** A callout. */
export interface NatsCallout {
  /** Answers one request; the answer is sealed where the request was. Empty: refused. */
  answer(body: Uint8Array, header: (name: string) => string): Promise<Uint8Array>;
  /** After a change: whether the permissions that a session was given are still those it would get. */
  stillFits(session: BrokerSession): Promise<boolean>;
}

/** Subject of the requests; servers publish to it in the account of the callout. */
export const subject = "$SYS.REQ.USER.AUTH";

/** Serves a callout on a connection of the callout's account. */
export function serveCallout(requests: Requests, callout: NatsCallout): Disposable {
  return requests.answer(subject, (body, header) => callout.answer(body, header), "sallyport");
}

const nothing = new Uint8Array();

/** Makes a callout. @throws Fault `proof_invalid` where a seed is none. */
export function natsCallout(options: NatsCalloutOptions): NatsCallout {
  const { account, door } = options;
  const key: SigningKey = openSeed(options.issuerSeed);
  const xkey =
    options.xkeySeed === undefined ? undefined : fromCurveSeed(Buffer.from(options.xkeySeed.trim()));

  const permissionsOf = ({ grants }: DoorGrants): ReturnType<typeof toPermissions> =>
    toPermissions(grants, door);

  const respond = (
    { serverId, userNkey }: AuthRequest,
    said: { jwt: string } | { error: string },
  ): Uint8Array =>
    Buffer.from(
      signJwt(key, door.now(), {
        sub: userNkey,
        aud: serverId,
        nats: { ...said, type: "authorization_response", version: 2 },
      }),
    );

  const judge = async (token: string): Promise<Uint8Array> => {
    const request = toRequest(token);
    if (request === undefined) return nothing;
    const { decision, ruling, session } = await door.point.connect(request.arrival);
    if (session === undefined) return respond(request, { error: ruling.why });
    const list = await sessionGrants(door, session);
    if (list === undefined) {
      door.point.closed(keyOf(session.names), session.names.connection);
      return respond(request, { error: "no list of filters can be given" });
    }
    const exp = list.session_expires_at;
    const permissions = permissionsOf(list);
    session.given = JSON.stringify(permissions);
    if (!(await door.point.share(session)))
      return respond(request, { error: "the session cannot be shared" });
    door.promised(decision, exp);
    const jwt = signJwt(key, door.now(), {
      sub: request.userNkey,
      aud: account,
      name: session.names.clientId,
      exp,
      nats: { ...permissions, subs: -1, data: -1, payload: -1, type: "user", version: 2 },
    });
    return respond(request, { jwt });
  };

  return {
    async answer(body, header) {
      try {
        if (xkey === undefined) return await judge(Buffer.from(body).toString("utf8"));
        const sender = header("Nats-Server-Xkey");
        const opened = sender === "" ? null : xkey.open(body, sender);
        if (opened === null) return nothing;
        const answer = await judge(Buffer.from(opened).toString("utf8"));
        return answer.length === 0 ? nothing : xkey.seal(answer, sender);
      } catch (thrown) {
        door.point.parts.onFault?.(thrown);
        return nothing;
      }
    },
    async stillFits(session) {
      const list = await sessionGrants(door, session);
      return list !== undefined && JSON.stringify(permissionsOf(list)) === session.given;
    },
  };
}
