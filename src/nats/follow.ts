/** Follows a stream from a position on, through lost connections and restarts of the server. */
import type { Consumer, JetStreamClient, JsMsg, OrderedConsumerOptions } from "@nats-io/jetstream";
import { orQuiet } from "../runtime/or-quiet.ts";
import type { CaughtUp } from "../runtime/ports.ts";
import { toFault } from "./to-fault.ts";

/** Messages asked for ahead of the reader: it is never given more than it can take. */
const ahead = 500;

/** Milliseconds without a message after which it is asked whether any of those that were counted are left. */
const quietMs = 500;

/**
 * Messages in order without gaps, `"caught_up"` once after those that were there at the start. Rejects with
 * `unreachable` where the stream cannot be read at all; ends when the connection is closed.
 */
export async function* follow(
  client: JetStreamClient,
  stream: string,
  where: Partial<OrderedConsumerOptions>,
  signal?: AbortSignal,
): AsyncGenerator<JsMsg | CaughtUp, void, void> {
  if (isAborted(signal)) return;
  try {
    const consumer = await client.consumers.get(stream, where);
    let behind = (await consumer.info()).num_pending;
    const messages = await consumer.consume({ max_messages: ahead });
    const stop = (): void => messages.stop();
    signal?.addEventListener("abort", stop);
    try {
      if (behind === 0) yield "caught_up";
      using remaining = new Remaining(consumer);
      for (const reading = messages[Symbol.asyncIterator](); ; ) {
        const next = reading.next();
        let result = behind > 0 ? await remaining.orNone(next) : await next;
        if (result === "none") {
          behind = 0;
          yield "caught_up";
          result = await next;
        }
        if (result.done === true || isAborted(signal)) return;
        const message = result.value;
        yield message;
        if (behind === 0) continue;
        // A write may have replaced one that was counted: then nothing being pending says the same.
        behind = message.info.pending === 0 ? 0 : behind - 1;
        if (behind > 0) continue;
        remaining[Symbol.dispose]();
        yield "caught_up";
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      stop();
      // Not for long: a server that is gone does not answer, and one that is there forgets it by itself.
      await orQuiet(
        consumer.delete().catch(() => false),
        quietMs,
      );
    }
  } catch (thrown) {
    throw toFault(thrown, `cannot follow stream \`${stream}\``);
  }
}

/** Whether more comes of those that were counted: they may have been deleted since, and nothing would tell. */
class Remaining implements Disposable {
  readonly #consumer: Consumer;
  #timer: NodeJS.Timeout | undefined;
  #none: () => void = () => {};
  #empty = 0;

  constructor(consumer: Consumer) {
    this.#consumer = consumer;
  }

  /** What `next` gives, `"none"` once nothing is pending. One at a time. */
  orNone<T>(next: Promise<T>): Promise<T | "none"> {
    this.#timer ??= setInterval(() => void this.#ask(), quietMs);
    return new Promise((resolve, reject) => {
      this.#empty = 0;
      this.#none = () => resolve("none");
      next.then(resolve, reject);
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #ask(): Promise<void> {
    const none = this.#none;
    const pending = await pendingOf(this.#consumer);
    if (none !== this.#none) return;
    // Twice: the answer may overtake a message.
    this.#empty = pending === 0 ? this.#empty + 1 : 0;
    if (this.#empty < 2) return;
    this[Symbol.dispose]();
    none();
  }
}

async function pendingOf(consumer: Consumer): Promise<number | undefined> {
  try {
    return (await consumer.info()).num_pending;
  } catch {
    // Not connected now: what is pending is told again when it is.
    return undefined;
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
