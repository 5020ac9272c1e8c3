/** Keeps the bundle in force for a restart, and tries again where it cannot. */
import { channel } from "node:diagnostics_channel";
import type { Good, GoodState, GoodStore } from "../bundle/good-store.ts";
import type { Offer } from "../bundle/offer.ts";
import { Alarm } from "../runtime/alarm.ts";
import { Fault } from "../runtime/fault.ts";

const unkept = channel("sallyport:bundle:unkept");

/** Keeps one bundle at a time; a later one replaces one that could not be kept yet. */
export class KeepGood implements Disposable {
  readonly #store: GoodStore | undefined;
  readonly #againMs: number;
  readonly #again = new Alarm(() => void this.#try());
  #waiting: Good | undefined;
  #work: Promise<void> = Promise.resolve();
  #fault: Fault | undefined;

  constructor(store: GoodStore | undefined, againMs: number) {
    this.#store = store;
    this.#againMs = againMs;
  }

  /** Why the last bundle would not be there after a restart. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** Resolves once it is kept, or could not be: a disk that is full does not take the new policy away. */
  keep(good: Good): Promise<void> {
    this.#waiting = good;
    return this.#try();
  }

  #try(): Promise<void> {
    this.#work = this.#work.then(async () => {
      const good = this.#waiting;
      if (this.#store === undefined || good === undefined) return;
      try {
        await this.#store.keep(good);
        if (this.#waiting === good) this.#waiting = undefined;
        this.#fault = undefined;
      } catch (thrown) {
        this.#fault = Fault.from(thrown, "bundle_unkept", "the bundle in force cannot be kept");
        unkept.publish({ error: this.#fault });
        this.#again.set(this.#againMs);
      }
    });
    return this.#work;
  }

  [Symbol.dispose](): void {
    this.#again.clear();
  }
}

/** An offer as it is kept. */
export function goodOf(
  { bundle, archive, letters, from, etag }: Offer,
  state: Pick<GoodState, "floor" | "activated_at" | "keyset">,
): Good {
  const { digest, revision, sequence } = bundle;
  return { archive, state: { digest, revision, sequence, from, etag, letters, ...state } };
}
