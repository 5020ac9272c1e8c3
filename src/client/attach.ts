/** A decider that stays attached: it answers from memory, and is told when its memory is wrong. */
import { randomUUID } from "node:crypto";
import type { Decision } from "../decision/decision.ts";
import { denial } from "../decision/denial.ts";
import type { Kind, Query, Subject } from "../decision/query.ts";
import { BrokerServiceClient, type Change } from "../gen/sallyport/v1/broker.ts";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { AnswerCache, isSteady } from "./answer-cache.ts";
import type { Attached, AttachOptions } from "./attach-options.ts";
import { type Answered, type Ask, AttachedStream } from "./attached-stream.ts";
import { channelOptionsFor, credentialsFor } from "./channel.ts";
import { reasonOf } from "./faults.ts";
import {
  type AloneNews,
  aloneNews,
  type ChangeNews,
  changeNews,
  type DeniedNews,
  deniedNews,
} from "./news.ts";
import { SessionBook } from "./session-book.ts";
import { WaitingRoom } from "./waiting-room.ts";

const mostAttempts = 3;
/** Kinds whose answers can be gone on with while no node is reached. */
const canStandAlone: readonly string[] = ["publish", "subscribe"];

function hash(text: string): number {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) | 0;
  return sum >>> 0;
}

const deviceIn = ({ client_id, device_id }: Subject): string => device_id ?? client_id;
const deviceOf = (query: Query): string => ("subject" in query ? deviceIn(query.subject) : query.device_id);

/** Kinds that are to go on without any node. @throws Fault `config_invalid` */
function standAloneKinds(failModes: AttachOptions["failModes"] = {}): readonly string[] {
  const kinds = Object.keys(failModes).filter((kind) => failModes[kind as Kind] === "static");
  const odd = kinds.find((kind) => !canStandAlone.includes(kind));
  if (odd === undefined) return kinds;
  throw new Fault("config_invalid", `questions of kind \`${odd}\` always fail closed; leave \`static\` out`);
}

/** Attaches to the nodes; streams are opened at once and again whenever they end. @throws Fault `config_invalid`, `tls_invalid`. */
export function attach(options: AttachOptions): Attached {
  const { addresses, deadlineMs = 1000, maxWaiting = 10_000, onFault, streams: perNode = 1 } = options;
  if (addresses.length === 0)
    throw new Fault("config_invalid", "`addresses` is empty; name at least one node");
  const failStatic = standAloneKinds(options.failModes);
  const clock = options.clock ?? systemClock;
  const name = options.name ?? `client-${randomUUID()}`;
  const cache = new AnswerCache(clock, options.maxSubjects ?? 100_000, options.maxAnswersPerSubject ?? 64);
  const counts = {
    hits: 0,
    asked: 0,
    denied_here: 0,
    overtaken: 0,
    changes: 0,
    forgotten: 0,
    stream_ends: 0,
  };
  const nextId = (): string => `client-${randomUUID()}`;
  const answeredAt = new WeakMap<Decision, Answered>();
  const streams: AttachedStream[] = [];
  let closed = false;
  let downSinceMs: number | undefined = clock.monotonicMs();

  const deny = (kind: Kind, error: Fault): Decision => {
    counts.denied_here += 1;
    onFault?.(error);
    if (deniedNews.hasSubscribers) deniedNews.publish({ kind, error } satisfies DeniedNews);
    return denial(reasonOf(error), { id: nextId() });
  };
  const refuse = (ask: Ask, fault: Fault): void => {
    if (!ask.settled) ask.done(deny(ask.query.kind, fault));
  };

  const room = new WaitingRoom({
    clock,
    max: maxWaiting,
    deadlineMs,
    onLate: (asks) => {
      for (const ask of asks)
        refuse(ask, new Fault("deadline_exceeded", `no answer within ${deadlineMs} ms`));
      for (const stream of streams) stream.sweep();
    },
  });

  /** The stream of a device: its own while that is up and answers, else the next one that is and does. */
  const route = (device: string): AttachedStream => {
    const first = hash(device) % streams.length;
    const nowMs = clock.monotonicMs();
    let up: AttachedStream | undefined;
    for (let i = 0; i < streams.length; i++) {
      const stream = streams[(first + i) % streams.length] as AttachedStream;
      if (!stream.up) continue;
      if (!stream.stalled(nowMs)) return stream;
      up ??= stream;
    }
    return up ?? (streams[first] as AttachedStream);
  };

  /** Why a question cannot even wait now. */
  const hopeless = (nowMs: number): Fault | undefined => {
    if (closed) return new Fault("unreachable", "the client was closed");
    if (room.full) return new Fault("overloaded", `${room.size} questions wait already`);
    if (downSinceMs !== undefined && nowMs - downSinceMs >= deadlineMs)
      return new Fault("unreachable", "no node can be reached");
    return undefined;
  };

  const send = (query: Query): Promise<Decision> => {
    const nowMs = clock.monotonicMs();
    const fault = hopeless(nowMs);
    if (fault !== undefined) return Promise.resolve(deny(query.kind, fault));
    counts.asked += 1;
    return new Promise((resolve) => {
      const ask: Ask = {
        query,
        endMs: nowMs + deadlineMs,
        attempts: 0,
        settled: false,
        done: (decision, answered) => {
          if (ask.settled) return;
          ask.settled = true;
          room.leave(ask);
          if (answered !== undefined && query.kind === "connect") answeredAt.set(decision, answered);
          resolve(decision);
        },
      };
      room.enter(ask);
      route(deviceOf(query)).ask(ask);
    });
  };

  const again = (ask: Ask, why: Fault): void => {
    ask.attempts += 1;
    if (ask.settled) return;
    if (ask.attempts < mostAttempts) route(deviceOf(ask.query)).ask(ask);
    else refuse(ask, why);
  };

  const sessions = new SessionBook({
    route: (subject) => route(deviceIn(subject)),
    ask: send,
    answeredAt: (decision) => answeredAt.get(decision),
  });

  const standAlone = (alone: boolean): void => {
    if (failStatic.length === 0) return;
    if (alone) cache.standAlone(new Set(failStatic));
    aloneNews.publish({ alone, kinds: failStatic } satisfies AloneNews);
  };

  const onUp = (stream: AttachedStream): void => {
    if (downSinceMs !== undefined) standAlone(false);
    downSinceMs = undefined;
    cache.heard();
    // Questions that wait elsewhere need not.
    const moved = new Fault("unreachable", "every node ended its stream in turn");
    for (const other of streams) if (!other.up) for (const ask of other.takeQueue()) again(ask, moved);
    sessions.announce(stream);
  };

  const onDown = (stream: AttachedStream, unanswered: readonly Ask[], fault: Fault): void => {
    counts.stream_ends += 1;
    sessions.abandoned(stream);
    const others = streams.filter(({ up }) => up);
    if (others.length > 0) cache.heard();
    else if (downSinceMs === undefined && !closed) {
      downSinceMs = clock.monotonicMs();
      standAlone(true);
    }
    if (closed) return;
    for (const ask of unanswered) again(ask, fault);
    if (others.length > 0) for (const ask of stream.takeQueue()) again(ask, fault);
    for (const other of others) sessions.announce(other);
  };

  const onChange = (stream: AttachedStream, change: Change, forgotten: number): void => {
    counts.changes += 1;
    counts.forgotten += forgotten;
    const everything = change.records.length === 0;
    const affected = sessions.affected(stream, change);
    changeNews.publish({
      position: change.position,
      records: everything ? "everything" : change.records.length,
      forgotten,
      sessions: affected.length,
    } satisfies ChangeNews);
    if (affected.length > 0 || change.session_ids.length > 0 || everything)
      void sessions.act(stream, change, affected);
  };

  const overtaken = new Fault("unreachable", "facts changed faster than answers came");
  const stubs: BrokerServiceClient[] = [];
  for (const address of addresses) {
    for (let i = 0; i < perNode; i++) {
      const parts = { ...options, address };
      // A channel of its own: a connection stays with one worker of the node.
      const stub = new BrokerServiceClient(address, credentialsFor(parts), channelOptionsFor(parts));
      stubs.push(stub);
      streams.push(
        new AttachedStream({
          name: `${name}/${streams.length}`,
          address,
          stub,
          cache,
          batch: options.batch ?? 64,
          waitingBatches: options.waitingBatches ?? 4,
          failStatic,
          stallMs: deadlineMs / 2,
          nextId,
          onUp,
          onDown,
          onChange,
          onOvertaken: (ask) => {
            counts.overtaken += 1;
            again(ask, overtaken);
          },
        }),
      );
    }
  }

  return {
    decide(query) {
      if (isSteady(query)) {
        const remembered = cache.find(query);
        if (remembered !== undefined) {
          counts.hits += 1;
          return remembered;
        }
      }
      return send(query);
    },
    session: (parts) => sessions.open(parts),
    async ready(withinMs) {
      const end = clock.monotonicMs() + withinMs;
      while (!streams.some(({ trusted }) => trusted)) {
        if (clock.monotonicMs() >= end)
          throw new Fault("deadline_exceeded", `no stream has a lease after ${withinMs} ms`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    metrics: () => ({
      ...counts,
      static_hits: cache.aloneHits,
      batches: streams.reduce((sum, { batches }) => sum + batches, 0),
      sessions_ended: sessions.ended,
      streams_up: streams.filter(({ up }) => up).length,
      waiting: room.size,
      room: room.room,
      queued: streams.reduce((sum, { queued }) => sum + queued, 0),
      sessions: sessions.size,
      subjects: cache.size,
    }),
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const stream of streams) stream.close();
      for (const ask of room.close()) refuse(ask, new Fault("unreachable", "the client was closed"));
      for (const stub of stubs) stub.close();
    },
  };
}
