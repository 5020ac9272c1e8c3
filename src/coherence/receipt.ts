/** Receipts: who has acted on a change, who is fenced from the old facts, and what nobody can be told. */
import type { LinkStanding } from "./link-standing.ts";

/** An attached client as a receipt names it. */
export interface Witness {
  /** Name of its peer entry, and of the stream. */
  readonly peer: string;
  readonly client: string;
}

/** A client that ran out of its lease unheard. */
export interface Fenced extends Witness {
  /** Sessions of the changed devices that it had announced; nothing is known of them since. */
  readonly sessions: number;
}

/** A promise made to callers who cannot be told. */
export interface Uncovered {
  /** Device; `*`: every device of the change. */
  readonly device: string;
  /** Unix seconds; absent: without an end. */
  readonly may_allow_until?: number;
}

/** The receipt of one change. */
export interface Receipt {
  /** Process that announced the change, and the change's place in its order. */
  readonly epoch: string;
  readonly position: number;
  /** `false`: `pending` clients have neither acknowledged nor been fenced yet. */
  readonly complete: boolean;
  readonly evicted: readonly Witness[];
  readonly sessions: { readonly closed: number; readonly kept: number };
  readonly fenced: readonly Fenced[];
  readonly pending: readonly Witness[];
  /** Nodes that were not heard; always empty while there is one node. */
  readonly unreachable: readonly string[];
  readonly uncovered: readonly Uncovered[];
}

/** A link that was concerned when the change was announced. */
export interface Concerned extends Witness {
  readonly standing: LinkStanding;
  /** Sessions of the changed devices that were open then. */
  readonly openSessions: number;
  /** What it was promised for a time without any node: it counts until the client acknowledges. */
  readonly promised: readonly { readonly key: string; readonly until: number }[];
  /** What became of them, once the client said so; `undefined` before. */
  readonly sessionsDone: () => { readonly closed: number; readonly kept: number } | undefined;
}

/** The clients' part of a receipt at `nowMs`. A link owes its sessions as well as its cache. */
export function clientsOf(
  position: number,
  concerned: readonly Concerned[],
  nowMs: number,
): Pick<Receipt, "complete" | "evicted" | "sessions" | "fenced" | "pending"> {
  const evicted: Witness[] = [];
  const fenced: Fenced[] = [];
  const pending: Witness[] = [];
  const sessions = { closed: 0, kept: 0 };
  for (const { peer, client, standing, openSessions, sessionsDone } of concerned) {
    const witness = { peer, client };
    const where = standing.standing(position, nowMs);
    if (where === "fenced") fenced.push({ ...witness, sessions: openSessions });
    else if (where === "waiting") pending.push(witness);
    else {
      const done = openSessions === 0 ? { closed: 0, kept: 0 } : sessionsDone();
      if (done === undefined) pending.push(witness);
      else {
        evicted.push(witness);
        sessions.closed += done.closed;
        sessions.kept += done.kept;
      }
    }
  }
  return { complete: pending.length === 0, evicted, sessions, fenced, pending };
}
