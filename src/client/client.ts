/** The enforcement point's side of the API: a decider that asks a running service. */
import { randomUUID } from "node:crypto";
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import type { Decider, Decision } from "../decision/decision.ts";
import { denial } from "../decision/denial.ts";
import type { Query, Subject } from "../decision/query.ts";
import type * as wire from "../gen/sallyport/v1/decision.ts";
import { DecisionServiceClient } from "../gen/sallyport/v1/decision.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { type ChannelParts, channelOptionsFor, credentialsFor } from "./channel.ts";
import { reasonOf, toFault } from "./faults.ts";
import { type Explanation, fromWireDecision, fromWireGrants, type GrantList } from "./from-wire.ts";
import {
  toWireCommand,
  toWireConnect,
  toWireConsume,
  toWireItem,
  toWireOta,
  toWirePublish,
  toWireSubject,
  toWireSubscribe,
} from "./to-wire.ts";

export type { AttachedSession, SessionAnnouncer, SessionParts } from "../enforcement/session-notices.ts";
export { attach } from "./attach.ts";
export type { Attached, AttachMetrics, AttachOptions } from "./attach-options.ts";
export type { Explanation, Grant, GrantList } from "./from-wire.ts";

/** Where the service is and how to reach it. */
export interface ConnectOptions extends ChannelParts {
  /** Longest wait for an answer, in milliseconds. Default 1000. */
  readonly deadlineMs?: number;
  /** Told why a question was answered with a denial of the client's own. */
  readonly onFault?: (fault: Fault) => void;
  readonly clock?: Clock;
}

/** A connection to the service. */
export interface Client extends Decider, AsyncDisposable {
  /**
   * Never rejects: where the service gives no answer in time this is the denial `internal_error`
   * (`rate_limited` where it sheds load, `bad_request` where it finds the question malformed).
   */
  decide(query: Query): Promise<Decision>;
  /** Answers in the order of the questions, of any kinds; sent in batches of at most 256. Never rejects. */
  batch(queries: readonly Query[]): Promise<Decision[]>;
  /** What a session may publish and subscribe to. Never rejects: without an answer there are no grants. */
  listGrants(subject: Subject): Promise<GrantList>;
  /** One question answered afresh, with what it rests on. @throws Fault where there is no answer. */
  explain(query: Query): Promise<Explanation>;
}

type Answered<A> = (error: ServiceError | null, answer: A) => void;
/** The end of every call's argument list. */
type Tail<A> = [metadata: Metadata, options: { deadline: number }, done: Answered<A>];

const largestBatch = 256;
/**
 * Opens a client; the connection is made when it is first needed and remade when it breaks.
 * @throws Fault `config_invalid` or `tls_invalid`.
 */
export function connect(options: ConnectOptions): Client {
  const clock = options.clock ?? systemClock;
  const deadlineMs = options.deadlineMs ?? 1000;
  const stub = new DecisionServiceClient(
    options.address,
    credentialsFor(options),
    channelOptionsFor(options),
  );
  const metadata = new Metadata();
  const nextId = (): string => `client-${randomUUID()}`;

  const unary = <A>(call: (...tail: Tail<A>) => unknown): Promise<A> =>
    new Promise((resolve, reject) => {
      call(metadata, { deadline: clock.wallMs() + deadlineMs }, (error, answer) => {
        if (error) reject(error);
        else resolve(answer);
      });
    });

  const deny = (thrown: unknown): Decision => {
    const fault = toFault(thrown, "no decision from the service");
    options.onFault?.(fault);
    return denial(reasonOf(fault), { id: nextId() });
  };

  const ask = async (query: Query): Promise<Decision> => {
    switch (query.kind) {
      case "connect": {
        const request = toWireConnect(query);
        const answer = await unary<wire.CheckConnectResponse>((...tail) =>
          stub.checkConnect(request, ...tail),
        );
        return fromWireDecision(answer.decision, nextId);
      }
      case "publish": {
        const request = toWirePublish(query);
        const answer = await unary<wire.CheckPublishResponse>((...tail) =>
          stub.checkPublish(request, ...tail),
        );
        return fromWireDecision(answer.decision, nextId);
      }
      case "subscribe": {
        const request = toWireSubscribe(query);
        const answer = await unary<wire.CheckSubscribeResponse>((...tail) =>
          stub.checkSubscribe(request, ...tail),
        );
        return fromWireDecision(answer.decisions[0], nextId);
      }
      case "command": {
        const request = toWireCommand(query);
        const answer = await unary<wire.CheckCommandResponse>((...tail) =>
          stub.checkCommand(request, ...tail),
        );
        return fromWireDecision(answer.decision, nextId);
      }
      case "ota": {
        const request = toWireOta(query);
        const answer = await unary<wire.CheckUpdateResponse>((...tail) => stub.checkUpdate(request, ...tail));
        return fromWireDecision(answer.decision, nextId);
      }
      case "consume": {
        const request = toWireConsume(query);
        const answer = await unary<wire.CheckConsumeResponse>((...tail) =>
          stub.checkConsume(request, ...tail),
        );
        return fromWireDecision(answer.decision, nextId);
      }
      default:
        return query satisfies never;
    }
  };

  const askBatch = async (queries: readonly Query[]): Promise<Decision[]> => {
    try {
      const request = { items: queries.map(toWireItem) };
      const { results } = await unary<wire.BatchCheckResponse>((...tail) =>
        stub.batchCheck(request, ...tail),
      );
      return queries.map((_, index) => fromWireDecision(results[index]?.decisions[0], nextId));
    } catch (thrown) {
      return queries.map(() => deny(thrown));
    }
  };

  return {
    decide: (query) => ask(query).catch(deny),
    async batch(queries) {
      const parts: Promise<Decision[]>[] = [];
      for (let start = 0; start < queries.length; start += largestBatch) {
        parts.push(askBatch(queries.slice(start, start + largestBatch)));
      }
      return (await Promise.all(parts)).flat();
    },
    async listGrants(subject) {
      try {
        const request = { subject: toWireSubject(subject) };
        const answer = await unary<wire.ListGrantsResponse>((...tail) => stub.listGrants(request, ...tail));
        return fromWireGrants(answer, nextId);
      } catch (thrown) {
        return { decision: deny(thrown), grants: [] };
      }
    },
    async explain(query) {
      try {
        const request = { check: toWireItem(query) };
        const { explanations } = await unary<wire.ExplainResponse>((...tail) =>
          stub.explain(request, ...tail),
        );
        const [first] = explanations;
        if (first === undefined) throw new Fault("internal", "the service explained nothing");
        return { ...first, decision: fromWireDecision(first.decision, nextId) };
      } catch (thrown) {
        throw toFault(thrown, "no explanation from the service");
      }
    },
    async [Symbol.asyncDispose]() {
      stub.close();
    },
  };
}
