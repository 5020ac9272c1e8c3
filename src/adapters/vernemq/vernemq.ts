/** The dialect of VerneMQ's webhooks: one path, the hook's name in a header. */
import type { Decision } from "../../decision/decision.ts";
import { type BrokerDoor, loginEvidence, qosCap, usableS } from "../../enforcement/broker-door.ts";
import type { HttpRequest, HttpResponse } from "../../runtime/ports.ts";
import { allowed, refused } from "./from-decision.ts";
import { type Hook, toHook } from "./to-query.ts";

export { kickVerne } from "./kick.ts";
export { supports } from "./supports.ts";

/** Answers one hook. Never throws: what cannot be answered is a denial. */
export async function answerVerne(
  door: BrokerDoor,
  request: Pick<HttpRequest, "body" | "headers">,
): Promise<HttpResponse> {
  try {
    const hook = toHook(request.body);
    switch ((request.headers["vernemq-hook"] ?? "").replace(/_m5$/, "")) {
      case "auth_on_register":
        return await register(door, hook);
      case "auth_on_publish":
        return await publish(door, hook);
      case "auth_on_subscribe":
        return await subscribe(door, hook);
      default:
        return refused;
    }
  } catch (thrown) {
    door.point.parts.onFault?.(thrown);
    return refused;
  }
}

/** Never remembered by the broker: the secret is looked at each time. */
async function register(door: BrokerDoor, hook: Hook): Promise<HttpResponse> {
  const { clientId, username, password, address } = hook;
  const names = { clientId, username };
  const { session } = await door.point.connect({
    names,
    evidence: loginEvidence(username, password),
    address,
  });
  return session === undefined ? refused : allowed(0);
}

function told(door: BrokerDoor, decisions: readonly Decision[]): number {
  const ages = decisions.map((decision) => usableS(door, decision));
  const least = Math.min(...ages);
  for (const decision of decisions) door.promised(decision, door.now() + least + 1);
  return least;
}

async function publish(door: BrokerDoor, hook: Hook): Promise<HttpResponse> {
  const session = await door.point.sessionOf(hook.clientId, hook.username);
  if (session === undefined) return refused;
  const { topic, qos, retain } = hook;
  const { subject } = session;
  const { decision, ruling } = await door.point.ask(session, {
    kind: "publish",
    subject,
    topic,
    qos,
    retain,
  });
  if (!ruling.allow || qos > qosCap(session, decision)) return refused;
  return allowed(told(door, [decision]));
}

async function subscribe(door: BrokerDoor, hook: Hook): Promise<HttpResponse> {
  const session = await door.point.sessionOf(hook.clientId, hook.username);
  if (session === undefined) return refused;
  const answers = await Promise.all(
    hook.topics.map(async ({ topic, qos }) => {
      const query = { kind: "subscribe", subject: session.subject, filter: topic, qos } as const;
      return { topic, qos, judged: await door.point.ask(session, query) };
    }),
  );
  const granted = answers.filter(({ judged }) => judged.ruling.allow);
  if (granted.length === 0 || session.ended) return refused;
  const topics = answers.map(({ topic, qos, judged }) =>
    judged.ruling.allow
      ? { topic, qos: Math.min(qos, qosCap(session, judged.decision)) as 0 | 1 | 2 }
      : { topic, qos: 128 as const },
  );
  // One answer for all filters: it may be used as long as the shortest.
  const maxAgeS = told(
    door,
    granted.map(({ judged }) => judged.decision),
  );
  return allowed(granted.length === answers.length ? maxAgeS : 0, topics);
}
