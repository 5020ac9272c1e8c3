/** News that a bad source could tell a million times: told once in a while, with how often it was so. */
import type { Channel } from "node:diagnostics_channel";
import type { Clock } from "../runtime/clock.ts";

const everyMs = 60_000;

/** One kind of news on one channel. */
export class RareNews {
  readonly #channel: Channel;
  readonly #clock: Clock;
  #toldMs = Number.NEGATIVE_INFINITY;
  #untold = 0;

  constructor(channel: Channel, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
  }

  /** Publishes `news` with `times`, unless something was published within the last minute. */
  tell(news: Readonly<Record<string, unknown>>): void {
    this.#untold++;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#toldMs < everyMs || !this.#channel.hasSubscribers) return;
    this.#toldMs = nowMs;
    this.#channel.publish({ ...news, times: this.#untold });
    this.#untold = 0;
  }
}
