/** Questions that wait for their answers: never more than can be answered in time, none longer than its time. */
import type { Clock } from "../runtime/clock.ts";
import type { Ask } from "./attached-stream.ts";

const sweepMs = 20;
/** The room is made narrower or wider at most this often. */
const reviewMs = 100;
/** The room is never made narrower than this. */
const leastRoom = 128;
const narrower = 0.7;
const wider = 1.25;

/** Parts of {@link WaitingRoom}. */
export interface WaitingRoomParts {
  readonly clock: Clock;
  readonly max: number;
  readonly deadlineMs: number;
  /** The time of these is over; they are not yet settled. */
  readonly onLate: (asks: readonly Ask[]) => void;
}

/**
 * All of them wait equally long, so that the oldest end first. A queue that is longer than its deadline answers nobody:
 * each question is given up when its turn comes. So the room narrows while answers take more than half of the deadline,
 * and questions beyond it are refused at once; it widens again while answers come in a quarter of it.
 */
export class WaitingRoom {
  readonly #parts: WaitingRoomParts;
  readonly #asks = new Set<Ask>();
  #room: number;
  #reviewedAtMs = Number.NEGATIVE_INFINITY;
  #sweep: NodeJS.Timeout | undefined;

  constructor(parts: WaitingRoomParts) {
    this.#parts = parts;
    this.#room = parts.max;
  }

  /** How many wait. */
  get size(): number {
    return this.#asks.size;
  }

  /** How many may wait now. */
  get room(): number {
    return Math.floor(this.#room);
  }

  /** Whether no more may. */
  get full(): boolean {
    return this.#asks.size >= this.room;
  }

  enter(ask: Ask): void {
    this.#asks.add(ask);
    this.#sweep ??= setInterval(() => this.#late(), sweepMs);
  }

  /** A question is settled; how long it waited says whether others may. */
  leave(ask: Ask): void {
    this.#asks.delete(ask);
    const { clock, deadlineMs } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.#review(nowMs, deadlineMs - (ask.endMs - nowMs));
  }

  /** Everybody leaves. */
  close(): readonly Ask[] {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    return [...this.#asks];
  }

  #review(nowMs: number, waitedMs: number): void {
    const { deadlineMs, max } = this.#parts;
    const isLong = waitedMs > deadlineMs / 2;
    if (!isLong && (waitedMs > deadlineMs / 4 || this.#room === max)) return;
    if (nowMs - this.#reviewedAtMs < reviewMs) return;
    this.#reviewedAtMs = nowMs;
    const room = isLong ? this.#room * narrower : this.#room * wider;
    this.#room = Math.min(max, Math.max(leastRoom, room));
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
