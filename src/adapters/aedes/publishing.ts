/** Publishes of a session: judged each, slowed to its rate class, applied in the order of arrival. */
import type { Decision } from "../../decision/decision.ts";
import { denial } from "../../decision/denial.ts";
import type { PublishQuery } from "../../decision/query.ts";
import { isPromise } from "../../runtime/bounded-decider.ts";
import type { AedesPacket } from "./dialect.ts";
import { discard, toRuling } from "./from-decision.ts";
import type { Settings } from "./options.ts";
import type { Session } from "./session.ts";
import { toPublishQuery } from "./to-query.ts";

type Done = (error?: Error | null) => void;

const refusal = (why: string): Error => new Error(`publish refused: ${why}`);

/** A message of a client that is connected. */
export function publish(settings: Settings, session: Session, packet: AedesPacket, done: Done): void {
  if (!session.alive) {
    done(refusal("the session has ended"));
    return;
  }
  const query = toPublishQuery(session.subjectFor(settings.deviceOf(packet.topic)), packet);
  const waitMs = session.nextPublishMs(settings.maxDelayMs);
  const apply = (decision: Decision): void => carryOut(settings, session, query, packet, decision, done);
  const answer =
    waitMs === undefined
      ? denial("rate_limited", { id: settings.nextId() })
      : waitMs > 0
        ? later(waitMs).then(() => settings.decider.decide(query))
        : settings.decider.decide(query);
  if (isPromise(answer) || session.waiting > 0) takeTurn(session, answer, apply);
  else apply(answer);
}

/** A last will that fires: judged again, with the proof of the session that left it; no session to end. */
export function fireWill(settings: Settings, session: Session, packet: AedesPacket, done: Done): void {
  const query = toPublishQuery(session.subjectFor(settings.deviceOf(packet.topic)), packet);
  const answer = settings.decider.decide(query);
  const apply = (decision: Decision): void => {
    const ruling = toRuling(query, decision, settings.rates);
    settings.onDecision({ query, decision, ruling });
    done(ruling.allow ? null : refusal(ruling.why));
  };
  if (isPromise(answer)) void answer.then(apply);
  else apply(answer);
}

function carryOut(
  settings: Settings,
  session: Session,
  query: PublishQuery,
  packet: AedesPacket,
  decision: Decision,
  done: Done,
): void {
  const ruling = toRuling(query, decision, settings.rates);
  settings.onDecision({ query, decision, ruling });
  if (!session.alive) {
    done(refusal("the session has ended"));
  } else if (ruling.disconnect) {
    done(refusal(ruling.why));
    session.end(ruling.why);
  } else if (ruling.allow) {
    session.heed(decision);
    done(null);
  } else if (ruling.transient || settings.onDeniedPublish === "drop") {
    discard(packet);
    done(null);
  } else {
    done(refusal(ruling.why));
  }
}

/**
 * Aedes hands over all packets of a chunk at once, and answers may overtake each other; messages and
 * acknowledgements must not [MQTT-4.6.0-2, MQTT-4.6.0-6].
 */
function takeTurn(
  session: Session,
  answer: Decision | Promise<Decision>,
  apply: (decision: Decision) => void,
): void {
  const before = session.turn;
  session.waiting += 1;
  session.turn = (async () => {
    const decision = await answer;
    await before;
    session.waiting -= 1;
    apply(decision);
  })();
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
