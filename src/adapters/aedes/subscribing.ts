/** Subscriptions of a session: judged at SUBSCRIBE, at each recheck, and by what was granted at each delivery. */
import type { Decision } from "../../decision/decision.ts";
import type { SubscribeQuery } from "../../decision/query.ts";
import { isPromise } from "../../runtime/bounded-decider.ts";
import type { AedesPacket, AedesSubscription } from "./dialect.ts";
import { nowhere, toRuling } from "./from-decision.ts";
import type { Settings } from "./options.ts";
import { type Session, toQos } from "./session.ts";
import { toSubscribeQuery, withoutShare } from "./to-query.ts";

type Done = (error: Error | null, subscription?: AedesSubscription | null) => void;

function questionOf(settings: Settings, session: Session, subscription: AedesSubscription): SubscribeQuery {
  const device = settings.deviceOf(withoutShare(subscription.topic));
  return toSubscribeQuery(session.subjectFor(device), subscription);
}

/** One filter of a SUBSCRIBE, or of a stored session that comes back. A denial is SUBACK 128 [MQTT-3.9.3-1]. */
export function subscribe(
  settings: Settings,
  session: Session,
  subscription: AedesSubscription,
  done: Done,
): void {
  if (!session.alive || !hasRoom(settings, session, subscription.topic)) {
    done(null, null);
    return;
  }
  const query = questionOf(settings, session, subscription);
  const answer = settings.decider.decide(query);
  const apply = (decision: Decision): void => {
    const granted = grant(settings, session, query, decision) === "granted";
    const qos = session.grants.get(subscription.topic)?.qos;
    if (!granted || qos === undefined) {
      done(null, null);
      return;
    }
    subscription.qos = qos;
    done(null, subscription);
  };
  if (isPromise(answer)) void answer.then(apply);
  else apply(answer);
}

/** Asks for every granted filter again; what is no longer granted is unsubscribed. */
export async function resubscribe(settings: Settings, session: Session): Promise<void> {
  prune(session);
  for (const { filter, asked } of session.grants.all) {
    const query = questionOf(settings, session, { topic: filter, qos: asked });
    const decision = await settings.decider.decide(query);
    if (grant(settings, session, query, decision) !== "kept") continue;
    session.recheckIn(decision.obligations.retry_after_s ?? 1);
  }
}

/** Whether, and at what QoS, a message may be delivered; the packet is capped in place. Synchronous. */
export function deliver(settings: Settings, session: Session, packet: AedesPacket): boolean {
  if (!session.alive || packet.topic === nowhere) return false;
  const qos = session.grants.qosFor(packet.topic, settings.clock.now());
  if (qos === undefined) return false;
  if (settings.deliveries === "asked") {
    const query = questionOf(settings, session, { topic: packet.topic, qos });
    const answer = settings.decider.decide(query);
    if (!isPromise(answer) && !toRuling(query, answer, settings.rates).allow) return false;
  }
  if (packet.qos > qos) packet.qos = qos;
  return true;
}

/** Carries out an answer about a filter. `kept`: a denial that passes by itself leaves an earlier grant alone. */
export function grant(
  settings: Settings,
  session: Session,
  query: SubscribeQuery,
  decision: Decision,
): "granted" | "kept" | "refused" {
  const ruling = toRuling(query, decision, settings.rates);
  settings.onDecision({ query, decision, ruling });
  if (ruling.disconnect) session.end(ruling.why);
  if (!session.alive) return "refused";
  if (!ruling.allow) {
    if (ruling.transient && session.grants.get(query.filter) !== undefined) return "kept";
    revoke(session, query.filter);
    return "refused";
  }
  session.heed(decision);
  const cap = Math.min(query.qos, toQos(decision.obligations.max_qos), session.maxQos);
  const until = decision.valid_until;
  session.grants.add({ filter: query.filter, asked: query.qos, qos: toQos(cap), until });
  if (until !== undefined) session.recheckIn(until - settings.clock.now());
  session.notices?.subscribed(query.subject, query.filter, query.qos, decision);
  return "granted";
}

/** Takes a filter back. */
export function revoke(session: Session, filter: string): void {
  if (!session.grants.remove(filter)) return;
  session.notices?.unsubscribed(filter);
  session.parts.client.unsubscribe({ cmd: "unsubscribe", unsubscriptions: [filter] }, () => {});
}

/** Forgets filters that the client has unsubscribed from. */
function prune(session: Session): void {
  const { subscriptions } = session.parts.client;
  if (subscriptions === undefined) return;
  for (const { filter } of session.grants.all) {
    if (subscriptions[filter] !== undefined) continue;
    session.grants.remove(filter);
    session.notices?.unsubscribed(filter);
  }
}

function hasRoom(settings: Settings, session: Session, filter: string): boolean {
  const { grants } = session;
  if (grants.get(filter) !== undefined || grants.size < settings.maxFilters) return true;
  prune(session);
  return grants.size < settings.maxFilters;
}
