/** The grant list of a session that was let in, where the broker may be given it. */
import type { BrokerDoor, DoorGrants } from "./broker-door.ts";
import type { BrokerSession } from "./broker-session.ts";
import { ruleOn } from "./ruling.ts";

/** A list that can be given, with its end. */
export type SessionGrants = DoorGrants & { readonly session_expires_at: number };

/**
 * Asks for it within the door's own deadline. `undefined`: there is none, its time is over, or it comes with an obligation
 * that the broker cannot keep; then the session must not be let in. Rejects where the list cannot be made.
 */
export async function sessionGrants(
  door: BrokerDoor,
  session: BrokerSession,
): Promise<SessionGrants | undefined> {
  const { bounds, deadlineMs, supports } = door.point.parts;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, deadlineMs, undefined);
  });
  try {
    const list = await Promise.race([door.grants(session.subject), late]);
    const end = list?.session_expires_at;
    if (list === undefined || end === undefined || end <= door.now()) return undefined;
    return ruleOn(supports, session.question, list.decision, bounds).allow
      ? { ...list, session_expires_at: end }
      : undefined;
  } finally {
    clearTimeout(timer);
  }
}
