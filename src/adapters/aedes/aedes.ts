/** Sallyport as the guard of an Aedes broker: `Aedes.createBroker({ ...aedesHooks({ decider }) })`. */
import { randomUUID } from "node:crypto";
import type { Decision } from "../../decision/decision.ts";
import { isPromise } from "../../runtime/bounded-decider.ts";
import type { AedesClient, AedesConnect, AedesPacket, AedesSubscription, ConnackError } from "./dialect.ts";
import { evidenceOf } from "./evidence.ts";
import { discard, toConnackError, toRuling } from "./from-decision.ts";
import { Notices } from "./notices.ts";
import { type AedesOptions, toSettings } from "./options.ts";
import { fireWill, publish } from "./publishing.ts";
import { Session } from "./session.ts";
import { deliver, resubscribe, subscribe } from "./subscribing.ts";
import { toConnectQuery, toSubject } from "./to-query.ts";

export type { AedesClient, AedesPacket } from "./dialect.ts";
export type { Ruling } from "./from-decision.ts";
export type { AedesOptions, Judged } from "./options.ts";
export { defaultRates, type Rates } from "./rates.ts";
export { supports } from "./supports.ts";

/** The hooks of one broker. All of them are needed: without `preConnect` nobody is let in. */
export interface AedesHooks {
  preConnect(
    client: AedesClient,
    packet: AedesConnect,
    done: (error: Error | null, success: boolean) => void,
  ): void;
  authenticate(
    client: AedesClient,
    username: string | undefined,
    password: Uint8Array | undefined,
    done: (error: ConnackError | null, success: boolean | null) => void,
  ): void;
  authorizePublish(
    client: AedesClient | null,
    packet: AedesPacket,
    done: (error?: Error | null) => void,
  ): void;
  authorizeSubscribe<S extends AedesSubscription>(
    client: AedesClient,
    subscription: S,
    done: (error: Error | null, subscription?: S | null) => void,
  ): void;
  authorizeForward<P extends AedesPacket>(client: AedesClient, packet: P): P | null;
  /** Judges a session again now, or all of them: connect, then each subscription. */
  recheck(clientId?: string): Promise<void>;
  /** Stops all timers; from here on everything is refused. Connections stay as they are. */
  detach(): void;
}

/** Makes the hooks of one broker. Errors, late answers and unknown clients are denials. */
export function aedesHooks(options: AedesOptions): AedesHooks {
  const settings = toSettings(options, () => `aedes-${randomUUID()}`);
  const connecting = new WeakMap<AedesClient, AedesConnect>();
  const sessions = new WeakMap<AedesClient, Session>();
  const open = new Map<string, Session>();
  let detached = false;

  const rejudge = async (session: Session): Promise<void> => {
    const { question } = session.parts;
    const decision = await settings.decider.decide(question);
    if (!session.alive) return;
    const ruling = toRuling(question, decision, settings.rates);
    settings.onDecision({ query: question, decision, ruling });
    if (ruling.allow && !ruling.disconnect) session.open(decision);
    else if (!ruling.transient) return session.end(ruling.why);
    await resubscribe(settings, session);
    if (ruling.transient)
      session.recheckIn((decision.obligations.retry_after_s ?? 1) * (1 + Math.random() / 2));
  };

  const onEnd = (session: Session, why: string): void => {
    const id = session.subject.client_id;
    if (open.get(id) !== session) return;
    open.delete(id);
    settings.onSessionEnd(id, why);
  };

  const begin = (client: AedesClient, packet: AedesConnect, ...login: [string?, Uint8Array?]): Session => {
    const subject = toSubject(client.id, evidenceOf(client, ...login));
    const session = new Session({
      client,
      question: toConnectQuery(subject, packet.will),
      will: packet.will,
      isGateway: settings.isGateway(client),
      clock: settings.clock,
      rates: settings.rates,
      onRecheck: (due) => void rejudge(due),
      onEnd,
    });
    sessions.set(client, session);
    client.conn.once("close", () => session.end("the connection is closed"));
    return session;
  };

  return {
    preConnect(client, packet, done) {
      connecting.set(client, packet);
      done(null, !detached);
    },

    authenticate(client, username, password, done) {
      const packet = connecting.get(client);
      connecting.delete(client);
      if (packet === undefined || detached) {
        const error = new Error("connect refused: the `preConnect` hook is not installed, or it is detached");
        return done(Object.assign(error, { returnCode: 3 } as const), null);
      }
      const session = begin(client, packet, username, password);
      const { question } = session.parts;
      const answer = settings.decider.decide(question);
      const apply = (decision: Decision): void => {
        const ruling = toRuling(question, decision, settings.rates);
        settings.onDecision({ query: question, decision, ruling });
        if (ruling.allow && !ruling.disconnect && !session.ended && !detached) {
          session.open(decision);
          open.set(client.id, session);
          session.notices = new Notices(settings, session);
          session.notices.opened(decision);
          done(null, true);
          return;
        }
        session.stop();
        // Whoever asked is refused; whether an earlier session under this id must end is its own question.
        const earlier = ruling.disconnect ? open.get(client.id) : undefined;
        if (earlier !== undefined) void rejudge(earlier);
        done(toConnackError(ruling), null);
      };
      if (isPromise(answer)) void answer.then(apply);
      else apply(answer);
    },

    authorizePublish(client, packet, done) {
      if (client === null) {
        // The will of a session on a broker that died: no proof is left, so it goes nowhere. (An error would
        // make Aedes keep it and try again for ever.)
        discard(packet);
        return done(null);
      }
      const session = sessions.get(client);
      if (session === undefined || detached) return done(new Error("publish refused: there is no session"));
      if (packet === session.parts.will) fireWill(settings, session, packet, done);
      else publish(settings, session, packet, done);
    },

    authorizeSubscribe(client, subscription, done) {
      const session = sessions.get(client);
      if (session === undefined) return done(null, null);
      subscribe(settings, session, subscription, (error, granted) =>
        done(error, granted ? subscription : null),
      );
    },

    authorizeForward(client, packet) {
      const session = sessions.get(client);
      return session !== undefined && deliver(settings, session, packet) ? packet : null;
    },

    async recheck(clientId) {
      const due = [...open.values()].filter(
        ({ subject }) => clientId === undefined || subject.client_id === clientId,
      );
      await Promise.all(due.map(rejudge));
    },

    detach() {
      detached = true;
      for (const session of open.values()) session.stop();
      open.clear();
    },
  };
}
