/** The dialect of EMQX's ExHook: one implementation for both versions. */
import type { Peer } from "../../decision/identity.ts";
import { actableUntil, type BrokerDoor } from "../../enforcement/broker-door.ts";
import { toVerdict } from "./from-decision.ts";
import { connectionOf, type HookClient, toArrival, toQuery } from "./to-query.ts";

export { supports } from "./supports.ts";

/** The hooks that are asked for; message hooks are not, since EMQX lets a message pass when one fails. */
export const hooks: readonly string[] = ["client.authenticate", "client.authorize", "client.disconnected"];

/** Reasons of a connection that ended because the same client has another. */
const replaced: ReadonlySet<string> = new Set(["takenover", "discarded"]);

type Verdict = ReturnType<typeof toVerdict>;

/** The methods of the service as functions of request and peer. */
export interface ExhookMethods {
  readonly onProviderLoaded: () => { hooks: { name: string; topics: string[] }[] };
  readonly onProviderUnloaded: () => object;
  readonly onClientAuthenticate: (
    request: { readonly clientinfo?: HookClient | undefined },
    peer: Peer,
  ) => Promise<Verdict>;
  readonly onClientAuthorize: (
    request: { readonly clientinfo?: HookClient | undefined; readonly type: number; readonly topic: string },
    peer: Peer,
  ) => Promise<Verdict>;
  readonly onClientDisconnected: (
    request: { readonly clientinfo?: HookClient | undefined; readonly reason: string },
    peer: Peer,
  ) => object;
}

/** Makes the methods. `doorOf` finds the broker behind a peer; none: everything is denied. */
export function exhookMethods(doorOf: (peer: Peer) => BrokerDoor | undefined): ExhookMethods {
  const answer = async (door: BrokerDoor | undefined, judge: () => Promise<boolean>): Promise<Verdict> => {
    try {
      return toVerdict(door !== undefined && (await judge()));
    } catch (thrown) {
      door?.point.parts.onFault?.(thrown);
      return toVerdict(false);
    }
  };
  return {
    onProviderLoaded: () => ({ hooks: hooks.map((name) => ({ name, topics: [] })) }),
    onProviderUnloaded: () => ({}),
    onClientAuthenticate({ clientinfo }, peer) {
      const door = doorOf(peer);
      return answer(door, async () => {
        if (door === undefined || clientinfo === undefined) return false;
        const { decision, session } = await door.point.connect(toArrival(clientinfo));
        if (session !== undefined) door.promised(decision, actableUntil(door, decision));
        return session !== undefined;
      });
    },
    onClientAuthorize({ clientinfo, topic, type }, peer) {
      const door = doorOf(peer);
      return answer(door, async () => {
        const session = await door?.point.sessionOf(clientinfo?.clientid ?? "", clientinfo?.username);
        if (door === undefined || session === undefined) return false;
        const query = toQuery(door, session, type, topic);
        if (query === undefined) return false;
        const { decision, ruling } = await door.point.ask(session, query);
        if (ruling.allow) {
          const until =
            query.kind === "publish" ? door.now() + door.cacheS : actableUntil(door, session.decision);
          door.promised(decision, until);
        }
        return ruling.allow;
      });
    },
    onClientDisconnected({ clientinfo, reason }, peer) {
      // Its successor has been let in already.
      if (clientinfo !== undefined && !replaced.has(reason))
        doorOf(peer)?.point.closed(clientinfo.clientid, connectionOf(clientinfo));
      return {};
    },
  };
}
