/** The dialect of mosquitto-go-auth's gRPC backend. */
import type { Peer } from "../../decision/identity.ts";
import { type BrokerDoor, loginEvidence } from "../../enforcement/broker-door.ts";
import { toAnswer } from "./from-decision.ts";
import { toQueries } from "./to-query.ts";

export { supports } from "./supports.ts";

type Answer = ReturnType<typeof toAnswer>;

/** The methods of the service as functions of request and peer. */
export interface MosquittoMethods {
  readonly getUser: (
    request: { readonly username: string; readonly password: string; readonly clientid: string },
    peer: Peer,
  ) => Promise<Answer>;
  readonly getSuperuser: () => Answer;
  readonly checkAcl: (
    request: {
      readonly username: string;
      readonly topic: string;
      readonly clientid: string;
      readonly acc: number;
    },
    peer: Peer,
  ) => Promise<Answer>;
  readonly getName: () => { readonly name: string };
  readonly halt: () => object;
}

/** Makes the methods. `doorOf` finds the broker behind a peer; none: everything is denied. */
export function mosquittoMethods(doorOf: (peer: Peer) => BrokerDoor | undefined): MosquittoMethods {
  const answer = async (door: BrokerDoor | undefined, judge: () => Promise<boolean>): Promise<Answer> => {
    try {
      return toAnswer(door !== undefined && (await judge()));
    } catch (thrown) {
      door?.point.parts.onFault?.(thrown);
      return toAnswer(false);
    }
  };
  return {
    getUser({ clientid, password, username }, peer) {
      const door = doorOf(peer);
      return answer(door, async () => {
        if (door === undefined) return false;
        const { decision, session } = await door.point.connect({
          names: { clientId: clientid, username },
          evidence: loginEvidence(username, password),
          address: "",
        });
        if (session !== undefined) door.promised(decision, door.now() + door.cacheS + 1);
        return session !== undefined;
      });
    },
    // A superuser would pass every check.
    getSuperuser: () => toAnswer(false),
    checkAcl({ acc, clientid, topic, username }, peer) {
      const door = doorOf(peer);
      return answer(door, async () => {
        const session = await door?.point.sessionOf(clientid, username);
        if (door === undefined || session === undefined) return false;
        const queries = toQueries(door, session, acc, topic);
        if (queries.length === 0) return false;
        for (const query of queries) {
          const { decision, ruling } = await door.point.ask(session, query);
          if (!ruling.allow) return false;
          door.promised(decision, door.now() + door.cacheS + 1);
        }
        return true;
      });
    },
    getName: () => ({ name: "sallyport" }),
    halt: () => ({}),
  };
}
