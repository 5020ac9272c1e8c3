/** One stream to one node: batches out, answers and changes in, a lease kept alive; opened again when it ends. */
import { type ClientDuplexStream, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { Reading } from "../coherence/client-lease.ts";
import type { Decision } from "../decision/decision.ts";
import type { Query } from "../decision/query.ts";
import type * as wire from "../gen/sallyport/v1/broker.ts";
import type { BrokerServiceClient } from "../gen/sallyport/v1/broker.ts";
import type { Fault } from "../runtime/fault.ts";
import { type AnswerCache, isSteady } from "./answer-cache.ts";
import { BatchWindow } from "./batch-window.ts";
import { toFault } from "./faults.ts";
import { fromWireDecision } from "./from-wire.ts";
import type { Memory } from "./memory.ts";
import { type StreamNews, streamNews } from "./news.ts";
import { toWireItem } from "./to-wire.ts";

/** Where an answer stands in the order of a node's changes. */
export interface Answered {
  readonly epoch: string;
  readonly position: number;
}

/** A question that waits for its answer. */
export interface Ask {
  readonly query: Query;
  /** When it is given up, on the monotonic clock. */
  readonly endMs: number;
  readonly done: (decision: Decision, answered?: Answered) => void;
  attempts: number;
  settled: boolean;
}

/** What a stream needs of the client that owns it. */
export interface StreamParts {
  readonly name: string;
  readonly address: string;
  readonly stub: BrokerServiceClient;
  readonly cache: AnswerCache;
  readonly batch: number;
  readonly waitingBatches: number;
  /** Kinds that are gone on with while no node is reached. */
  readonly failStatic: readonly string[];
  /** A batch that waits longer makes others ask elsewhere, in milliseconds. */
  readonly stallMs: number;
  readonly nextId: () => string;
  /** It is ready: sessions can be announced. */
  readonly onUp: (stream: AttachedStream) => void;
  /** It ended; what it was asked and did not answer. */
  readonly onDown: (stream: AttachedStream, unanswered: Ask[], fault: Fault) => void;
  readonly onChange: (stream: AttachedStream, change: wire.Change, dropped: number) => void;
  /** A question whose answer was overtaken by a change. */
  readonly onOvertaken: (ask: Ask) => void;
}

type Call = ClientDuplexStream<wire.AttachRequest, wire.AttachResponse>;

const shortestPauseMs = 50;
const longestPauseMs = 5000;
/** A stream that says nothing for this long after its opening is given up. */
const welcomeMs = 5000;
/** Renewals, three to a lease, that may go without any word of the node; then it is given up. */
const silentRenewals = 4;

export class AttachedStream {
  readonly #parts: StreamParts;
  readonly #queue: Ask[] = [];
  readonly #waiting = new Map<number, { readonly asks: Ask[]; readonly sent: Reading }>();
  #memory: Memory;
  #call: Call | undefined;
  #epoch = "";
  #up = false;
  #closed = false;
  #scheduled = false;
  #batchId = 0;
  readonly #window = new BatchWindow();
  #maxBatch = 1;
  #silent = 0;
  #failures = 0;
  #renewal: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(parts: StreamParts) {
    this.#parts = parts;
    this.#memory = parts.cache.memory();
    this.#open();
  }

  /** Process at the other end. */
  get epoch(): string {
    return this.#epoch;
  }

  /** Whether it can be asked. */
  get up(): boolean {
    return this.#up;
  }

  /** Whether it has left a batch without an answer for too long. */
  stalled(nowMs: number): boolean {
    for (const { sent } of this.#waiting.values()) return nowMs - sent.monotonicMs > this.#parts.stallMs;
    return false;
  }

  /** Questions that have not left yet. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Batches that have left. */
  get batches(): number {
    return this.#batchId;
  }

  /** Forgets questions that nobody waits for any more, and have not left. */
  sweep(): void {
    let kept = 0;
    for (const ask of this.#queue) if (!ask.settled) this.#queue[kept++] = ask;
    this.#queue.length = kept;
  }

  /** Whether its lease is alive. */
  get trusted(): boolean {
    const { monotonicMs, wallMs } = this.#parts.cache.reading();
    return this.#up && this.#memory.lease.isAlive(monotonicMs, wallMs);
  }

  /** Asks; questions of one turn of the event loop leave together. */
  ask(ask: Ask): void {
    this.#queue.push(ask);
    this.#schedule();
  }

  /** Takes back what has not left yet. */
  takeQueue(): Ask[] {
    return this.#queue.splice(0);
  }

  /** Says something about sessions or changes. */
  say(message: NonNullable<wire.AttachRequest["message"]>): void {
    if (this.#up) this.#call?.write({ message });
  }

  /** Ends it for good. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#call?.cancel();
    this.#down(toFault(new Error("the client was closed"), "the stream ended"));
  }

  #open(): void {
    const { failStatic, name, stub } = this.#parts;
    const call = stub.attach(new Metadata());
    this.#call = call;
    const late = setTimeout(() => call.cancel(), welcomeMs);
    const ended = (thrown: ServiceError | Error): void => {
      clearTimeout(late);
      if (this.#call === call) this.#down(toFault(thrown, "the stream ended"));
    };
    call.on("data", (response: wire.AttachResponse) => {
      clearTimeout(late);
      this.#silent = 0;
      if (this.#call === call) this.#read(response);
    });
    call.on("error", ended);
    call.on("end", () => ended(new Error("the service ended it")));
    call.write({ message: { $case: "hello", value: { client: name, fail_static: [...failStatic] } } });
  }

  #read({ message }: wire.AttachResponse): void {
    switch (message?.$case) {
      case "welcome":
        this.#welcome(message.value);
        return;
      case "results":
        this.#results(message.value);
        return;
      case "lease":
        this.#memory.lease.granted(message.value.nonce, message.value.duration_ms);
        return;
      case "change": {
        // INVARIANT: forgotten first, then acknowledged.
        const dropped = this.#memory.changed(message.value.position, message.value.records);
        this.say({ $case: "ack", value: { position: message.value.position, sessions: undefined } });
        this.#parts.onChange(this, message.value, dropped);
        return;
      }
      case undefined:
        return;
      default:
        message satisfies never;
    }
  }

  #welcome({ epoch, lease_ms, max_batch, max_waiting_batches, position }: wire.Welcome): void {
    this.#epoch = epoch;
    this.#memory.position = position;
    this.#maxBatch = Math.max(1, Math.min(this.#parts.batch, max_batch));
    this.#window.open(Math.min(this.#parts.waitingBatches, max_waiting_batches));
    this.#up = true;
    this.#failures = 0;
    this.#silent = 0;
    this.#renew();
    this.#renewal = setInterval(() => this.#renew(), Math.max(20, lease_ms / 3));
    this.#renewal.unref();
    const { address, name, onUp } = this.#parts;
    streamNews.publish({ name, address, up: true } satisfies StreamNews);
    onUp(this);
    this.#schedule();
  }

  /** A node that answers no renewal for longer than a lease is given up: the connection may look alive for much longer. */
  #renew(): void {
    this.#silent += 1;
    if (this.#silent > silentRenewals) {
      this.#call?.cancel();
      return;
    }
    const nonce = this.#memory.lease.renew(this.#parts.cache.reading());
    this.say({ $case: "renew", value: { nonce } });
  }

  #schedule(): void {
    if (this.#scheduled || !this.#up || this.#queue.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** While as many batches are on their way as the service takes, the next one grows. */
  #flush(): void {
    while (this.#up && this.#queue.length > 0 && this.#waiting.size < this.#window.limit) {
      const asks = this.#queue.splice(0, this.#maxBatch).filter(({ settled }) => !settled);
      if (asks.length === 0) continue;
      this.#batchId += 1;
      this.#waiting.set(this.#batchId, { asks, sent: this.#parts.cache.reading() });
      const items = asks.map(({ query }) => toWireItem(query));
      this.say({ $case: "checks", value: { batch_id: this.#batchId, items } });
    }
  }

  #results({ batch_id, once_ms, position, results }: wire.ResultBatch): void {
    const batch = this.#waiting.get(batch_id);
    if (batch === undefined) return;
    this.#waiting.delete(batch_id);
    const read = this.#parts.cache.reading();
    const monotonicMs = read.monotonicMs - batch.sent.monotonicMs;
    this.#window.answered(monotonicMs, this.#queue.length);
    const { cache, nextId, onOvertaken } = this.#parts;
    // INVARIANT: what is read after the lease has run out may be older than a receipt, even if it has just arrived. A
    // node that grants no lease says how long its receipts wait for what it has answered.
    const once = Math.max(monotonicMs, read.wallMs - batch.sent.wallMs) < once_ms;
    const overtaken = position < this.#memory.position || !(once || this.trusted);
    batch.asks.forEach((ask, i) => {
      if (ask.settled) return;
      if (overtaken) {
        onOvertaken(ask);
        return;
      }
      const result = results[i];
      const decision = fromWireDecision(result?.decision, nextId);
      if (result !== undefined && result.usable_ms > 0 && isSteady(ask.query))
        cache.keep(
          this.#memory,
          ask.query,
          decision,
          batch.sent,
          { usableMs: result.usable_ms, aloneMs: result.fail_static_ms },
          result.rests_on,
        );
      ask.done(decision, { epoch: this.#epoch, position });
    });
    this.#schedule();
  }

  #down(fault: Fault): void {
    const was = this.#up;
    this.#up = false;
    this.#call = undefined;
    clearInterval(this.#renewal);
    this.#parts.cache.ended(this.#memory);
    this.#memory = this.#parts.cache.memory();
    const unanswered = [...this.#waiting.values()].flatMap(({ asks }) => asks);
    this.#waiting.clear();
    const { address, name, onDown } = this.#parts;
    if (was) streamNews.publish({ name, address, up: false, error: fault } satisfies StreamNews);
    if (!this.#closed) {
      const most = Math.min(longestPauseMs, shortestPauseMs * 2 ** this.#failures);
      this.#failures = Math.min(this.#failures + 1, 10);
      // Full jitter: clients that lost the same node do not come back together.
      this.#retry = setTimeout(() => this.#open(), shortestPauseMs + Math.random() * most);
      this.#retry.unref();
    }
    onDown(this, unanswered, fault);
  }
}
