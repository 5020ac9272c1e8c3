/** Questions that are asked now, answered ahead by the policy that comes next: its cache is warm when it is in force. */
import type { CacheLimits } from "../cache/decision-cache.ts";
import type { Change } from "../decision/change.ts";
import type { SessionQuery } from "../decision/query.ts";
import { openTally } from "../log/compose-event.ts";
import { DecisionCore } from "./decision-core.ts";
import { Desk, type DeskParts } from "./desk.ts";
import { questionCode, questionText } from "./request-facts.ts";
import type { Session } from "./session.ts";
import type { PolicySnapshot } from "./snapshot.ts";

/** Most questions that are gathered: the latest. */
const most = 4096;
/** Time at once, and pause after it: at most a fifth of a core. */
const sliceMs = 1;
const pauseMs = 4;

interface Question {
  readonly session: Session;
  readonly query: SessionQuery;
}

/** Gathers questions, then answers them into a cache of its own, which changes of facts reach as any other. */
export class Warming {
  readonly #parts: DeskParts;
  readonly #limits: CacheLimits;
  readonly #questions = new Map<string, Question>();
  #core: DecisionCore | undefined;

  constructor(parts: DeskParts, limits: CacheLimits) {
    this.#parts = parts;
    this.#limits = limits;
  }

  /** Takes a live question. Called on the hot path while a bundle is on its way. */
  offer(session: Session, query: SessionQuery): void {
    const key = `${session.key}\0${questionText(query)}\0${questionCode(query)}`;
    // The latest stand last.
    this.#questions.delete(key);
    this.#questions.set(key, { session, query });
    if (this.#questions.size <= most) return;
    for (const oldest of this.#questions.keys()) {
      this.#questions.delete(oldest);
      return;
    }
  }

  /** Facts changed: what was answered ahead and rests on them is asked again. */
  apply(change: Change): void {
    this.#core?.apply(change);
  }

  /** Answers what was gathered by another policy, in slices. Nothing is recorded, and no duty is done. */
  async warm(snapshot: PolicySnapshot): Promise<DecisionCore["cache"] | undefined> {
    if (this.#questions.size === 0) return undefined;
    const desk = new Desk({
      ...this.#parts,
      // A tally, so that hits of the answer are counted in the log once it is in force.
      recorder: { evaluated: openTally, hit: () => undefined },
      onFault: () => undefined,
    });
    desk.snapshot = snapshot;
    const core = new DecisionCore(desk, this.#limits);
    this.#core = core;
    const { monotonicMs } = this.#parts.clock;
    let untilMs = monotonicMs() + sliceMs;
    for (const { query, session } of this.#questions.values()) {
      // A session of its own: what the live one remembers is of the policy in force.
      core.decide({ ...session, lasting: false, remembered: undefined }, query);
      if (monotonicMs() < untilMs) continue;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      untilMs = monotonicMs() + sliceMs;
    }
    return core.cache;
  }
}
