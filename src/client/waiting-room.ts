/** Questions that wait for their answers: never more than fit, none longer than its time. */
import type { Clock } from "../runtime/clock.ts";
import type { Ask } from "./attached-stream.ts";

const sweepMs = 20;

/** Parts of {@link WaitingRoom}. */
export interface WaitingRoomParts {
  readonly clock: Clock;
  readonly max: number;
  /** The time of these is over; they are not yet settled. */
  readonly onLate: (asks: readonly Ask[]) => void;
}

/** All of them wait equally long, so that the oldest end first. */
export class WaitingRoom {
  readonly #parts: WaitingRoomParts;
  readonly #asks = new Set<Ask>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(parts: WaitingRoomParts) {
    this.#parts = parts;
  }

  /** How many wait. */
  get size(): number {
    return this.#asks.size;
  }

  /** Whether no more may. */
  get full(): boolean {
    return this.#asks.size >= this.#parts.max;
  }

  enter(ask: Ask): void {
    this.#asks.add(ask);
    this.#sweep ??= setInterval(() => this.#late(), sweepMs);
  }

  leave(ask: Ask): void {
    this.#asks.delete(ask);
  }

  /** Everybody leaves. */
  close(): readonly Ask[] {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    return [...this.#asks];
  }

  #late(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const late: Ask[] = [];
    for (const ask of this.#asks) {
      if (ask.endMs > nowMs) break;
      late.push(ask);
    }
    if (late.length > 0) this.#parts.onLate(late);
    if (this.#asks.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}
