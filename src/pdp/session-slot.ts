/** Where a decider keeps the session of a subject that is asked for again and again: on the subject itself. */
import type { Subject } from "../decision/query.ts";
import type { Session } from "./session.ts";

const slot = Symbol("sallyport session");

interface Slotted {
  [slot]?: Session;
}

/**
 * One per decider. The slot is not enumerable: a copy of a subject (`{ ...subject, client_id }`) starts without it.
 * A weak map would do the same for three more looks into memory per answer.
 */
export class SessionSlot {
  /** What {@link keep} kept for this very object, by this decider. */
  of(subject: Subject): Session | undefined {
    const kept = (subject as Slotted)[slot];
    return kept !== undefined && kept.keeper === this ? kept : undefined;
  }

  /** Keeps a session; a subject that cannot be extended is resolved each time. */
  keep(subject: Subject, session: Session): void {
    if (!Object.isExtensible(subject) && !Object.hasOwn(subject, slot)) return;
    session.keeper = this;
    Object.defineProperty(subject, slot, { value: session, configurable: true, writable: true });
  }
}
