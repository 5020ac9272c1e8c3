/** Two processes that ask each other over one channel of messages, in order. */
import { Fault, type FaultCode } from "./fault.ts";

/** Calls of one side by kind: each takes one body. Bodies and answers are values that `structuredClone` takes. */
export type Calls = Readonly<Record<string, (body: never) => unknown>>;

type BodyOf<T extends Calls, K extends keyof T> = Parameters<T[K]>[0];
type AnswerOf<T extends Calls, K extends keyof T> = Awaited<ReturnType<T[K]>>;

/** Sends one message; `failed` is called where it cannot. */
export type Send = (message: unknown, failed: (error: Error | null) => void) => unknown;

type Message =
  | { readonly ask: string; readonly id: number; readonly body: unknown }
  | { readonly answer: number; readonly value: unknown }
  | { readonly fault: number; readonly code: FaultCode; readonly message: string };

interface Waiting {
  resolve(value: unknown): void;
  reject(fault: Fault): void;
  readonly timer: NodeJS.Timeout;
}

/** One side. `Theirs` are the calls that the other side answers, `Ours` those that this one does. */
export class Conversation<Theirs extends Calls, Ours extends Calls> {
  readonly #send: Send;
  readonly #ours: Ours;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #ended: Fault | undefined;

  constructor(send: Send, ours: Ours) {
    this.#send = send;
    this.#ours = ours;
  }

  /** Asks. Rejects with the fault of the other side, `deadline_exceeded`, or `unreachable` once it is gone. */
  ask<K extends keyof Theirs & string>(
    kind: K,
    body: BodyOf<Theirs, K>,
    deadlineMs: number,
  ): Promise<AnswerOf<Theirs, K>> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      const id = ++this.#last;
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        end();
      };
      const timer = setTimeout(
        () =>
          settle(() =>
            reject(new Fault("deadline_exceeded", `\`${kind}\` was not answered within ${deadlineMs} ms`)),
          ),
        deadlineMs,
      );
      this.#waiting.set(id, {
        timer,
        resolve: (value) => settle(() => resolve(value as AnswerOf<Theirs, K>)),
        reject: (fault) => settle(() => reject(fault)),
      });
      this.#post({ ask: kind, id, body });
    });
  }

  /** Takes a message of the channel; what is none of ours is left alone. */
  receive(message: unknown): void {
    if (typeof message !== "object" || message === null) return;
    const given = message as Message;
    if ("ask" in given) this.#answer(given.ask, given.id, given.body);
    else if ("answer" in given) this.#waiting.get(given.answer)?.resolve(given.value);
    else if ("fault" in given)
      this.#waiting.get(given.fault)?.reject(new Fault(given.code, String(given.message)));
  }

  /** The other side is gone: nothing is answered any more. */
  end(why = "the other process has ended"): void {
    this.#ended ??= new Fault("unreachable", why);
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
  }

  #answer(kind: string, id: number, body: unknown): void {
    const failed = (thrown: unknown): void => {
      const { code, message } = Fault.from(thrown, "internal", `\`${kind}\` failed`);
      this.#post({ fault: id, code, message });
    };
    try {
      const handler = Object.hasOwn(this.#ours, kind) ? this.#ours[kind] : undefined;
      if (handler === undefined) throw new Fault("request_invalid", `there is no \`${kind}\``);
      const value = handler(body as never);
      if (value instanceof Promise)
        value.then((late: unknown) => this.#post({ answer: id, value: late }), failed);
      else this.#post({ answer: id, value });
    } catch (thrown) {
      failed(thrown);
    }
  }

  #post(message: Message): void {
    if (this.#ended !== undefined) return;
    const failed = (error: Error | null): void => {
      if (error !== null) this.end(`the other process cannot be reached: ${error.message}`);
    };
    try {
      this.#send(message, failed);
    } catch (thrown) {
      this.end(Fault.from(thrown, "unreachable", "the other process cannot be reached").message);
    }
  }
}
