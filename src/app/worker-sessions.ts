/** A worker's view of the primary's directory of sessions. */
import type { SessionExchange, SharedSession } from "../enforcement/session-exchange.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Conversation } from "../runtime/conversation.ts";
import { machineMs } from "./machine-clock.ts";
import type { PrimaryCalls, WorkerCalls } from "./worker-calls.ts";

/** The primary answers from memory; a broker waits meanwhile. */
const askMs = 1000;

/** Ends of sessions are told on the machine's clock: each process counts from its own beginning. */
function moved(session: SharedSession, byMs: number): SharedSession {
  return { ...session, endsAtMs: session.endsAtMs + byMs };
}

/** A session of another process, on this one's clock. */
export function fromMachine(session: SharedSession, clock: Clock): SharedSession {
  return moved(session, clock.monotonicMs() - machineMs());
}

/** The directory of `broker`, as the worker of this number sees it. */
export function sessionExchange(
  primary: Conversation<PrimaryCalls, WorkerCalls>,
  worker: number,
  broker: string,
  clock: Clock,
): SessionExchange {
  return {
    opened: (session) =>
      primary.ask(
        "sessionOpened",
        { broker, worker, session: moved(session, machineMs() - clock.monotonicMs()) },
        askMs,
      ),
    async find(key) {
      const session = await primary.ask("sessionFind", { broker, worker, key }, askMs);
      return session === undefined ? undefined : fromMachine(session, clock);
    },
    ending: (key, id) => primary.ask("sessionEnding", { broker, worker, key, id }, askMs),
    gone: (key, id) =>
      // Where the primary does not hear it, the session is judged when its time comes.
      void primary.ask("sessionGone", { broker, worker, key, id }, askMs).catch(() => undefined),
  };
}
