/** Follows a stream from a position on, through lost connections and restarts of the server. */
import type { Consumer, JetStreamClient, JsMsg, OrderedConsumerOptions } from "@nats-io/jetstream";
import type { CaughtUp } from "../runtime/ports.ts";
import { orQuiet } from "./or-quiet.ts";
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
      for (const reading = messages[Symbol.asyncIterator](); ; ) {
        const next = reading.next();
        if (behind > 0 && !(await oneComes(next, consumer))) {
          behind = 0;
          yield "caught_up";
        }
        const result = await next;
        if (result.done === true || isAborted(signal)) return;
        const message = result.value;
        yield message;
        if (behind === 0) continue;
        // A write may have replaced one that was counted: then nothing being pending says the same.
        behind = message.info.pending === 0 ? 0 : behind - 1;
        if (behind === 0) yield "caught_up";
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

/** Whether one more comes of those that were counted: they may have been deleted since, and nothing would tell. */
async function oneComes(next: Promise<unknown>, consumer: Consumer): Promise<boolean> {
  for (let empty = 0; empty < 2; ) {
    if ((await orQuiet(next, quietMs)) !== "quiet") return true;
    // Twice: the answer may overtake a message.
    empty = (await pendingOf(consumer)) === 0 ? empty + 1 : 0;
  }
  return false;
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
