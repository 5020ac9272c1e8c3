/** Follows a stream from a position on, through lost connections and restarts of the server. */
import type { JetStreamClient, JsMsg, OrderedConsumerOptions } from "@nats-io/jetstream";
import type { CaughtUp } from "../runtime/ports.ts";
import { toFault } from "./to-fault.ts";

/** Messages asked for ahead of the reader: it is never given more than it can take. */
const ahead = 500;

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
      for await (const message of messages) {
        if (isAborted(signal)) return;
        yield message;
        if (behind === 0) continue;
        // A write may have replaced one that was counted: then nothing being pending says the same.
        behind = message.info.pending === 0 ? 0 : behind - 1;
        if (behind === 0) yield "caught_up";
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      await consumer.delete().catch(() => false);
    }
  } catch (thrown) {
    throw toFault(thrown, `cannot follow stream \`${stream}\``);
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
