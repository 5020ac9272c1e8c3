/** Questions and calls between nodes over core NATS. */
import { Empty, headers, type NatsConnection, type Subscription } from "@nats-io/nats-core";
import { Fault } from "../runtime/fault.ts";
import type { Requests } from "../runtime/ports.ts";
import { toFault } from "./to-fault.ts";

const failed = "sallyport-failed";

/** {@link Requests} on one connection. */
export class NatsRequests implements Requests {
  readonly #connection: NatsConnection;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  async request(subject: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    try {
      const answer = await this.#connection.request(subject, body, { timeout: timeoutMs });
      const fault = answer.headers?.get(failed) ?? "";
      if (fault !== "") throw new Fault("internal", `\`${subject}\` could not be answered`);
      return answer.data;
    } catch (thrown) {
      throw toFault(thrown, `cannot ask \`${subject}\``);
    }
  }

  answer(...[subject, handler, queue]: Parameters<Requests["answer"]>): Disposable {
    const subscription = this.#connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error !== null) return;
        void Promise.resolve(message.data)
          .then((body) => handler(body, (name) => message.headers?.get(name) ?? ""))
          .then(
            (answer) => message.respond(answer),
            () => {
              const mark = headers();
              mark.set(failed, "1");
              message.respond(Empty, { headers: mark });
            },
          );
      },
    });
    return ending(subscription);
  }

  publish(subject: string, body: Uint8Array): void {
    try {
      this.#connection.publish(subject, body);
    } catch (thrown) {
      throw toFault(thrown, `cannot publish to \`${subject}\``);
    }
  }

  listen(subject: string, handler: (body: Uint8Array, subject: string) => void): Disposable {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) handler(message.data, message.subject);
      },
    });
    return ending(subscription);
  }
}

function ending(subscription: Subscription): Disposable {
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}
