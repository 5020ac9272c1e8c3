/** A decider that stays attached: it answers from memory, and is told when its memory is wrong. */
import { randomUUID } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import type { Decision } from "../decision/decision.ts";
import { denial } from "../decision/denial.ts";
import type { Query } from "../decision/query.ts";
import type { DenyReason } from "../decision/reasons.ts";
import { BrokerServiceClient, type Change, SessionAction } from "../gen/sallyport/v1/broker.ts";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { AnswerCache, isSteady } from "./answer-cache.ts";
import type { Attached, AttachOptions } from "./attach-options.ts";
import { OpenSession } from "./attached-session.ts";
import { type Answered, type Ask, AttachedStream } from "./attached-stream.ts";
import { channelOptionsFor, credentialsFor } from "./channel.ts";

/** What the channel `sallyport:client:change` says. */
export interface ChangeNews {
  readonly position: number;
  readonly records: number | "everything";
  readonly forgotten: number;
  readonly sessions: number;
}

const changes = channel("sallyport:client:change");
const mostAttempts = 3;
const sweepMs = 20;

function hash(text: string): number {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) | 0;
  return sum >>> 0;
}

const deviceOf = (query: Query): string =>
  "subject" in query ? (query.subject.device_id ?? query.subject.client_id) : query.device_id;

/** Attaches to the nodes; streams are opened at once and again whenever they end. @throws Fault `config_invalid`, `tls_invalid`. */
export function attach(options: AttachOptions): Attached {
  const { addresses, deadlineMs = 1000, maxWaiting = 10_000, onFault, streams: perNode = 1 } = options;
  if (addresses.length === 0)
    throw new Fault("config_invalid", "`addresses` is empty; name at least one node");
  const clock = options.clock ?? systemClock;
  const name = options.name ?? `client-${randomUUID()}`;
  const cache = new AnswerCache(clock, options.maxSubjects ?? 100_000, options.maxAnswersPerSubject ?? 64);
  const counts = { hits: 0, asked: 0, denied_here: 0, overtaken: 0, changes: 0, forgotten: 0 };
  const ends = { sessions_ended: 0, stream_ends: 0 };
  const nextId = (): string => `client-${randomUUID()}`;
  const waiting = new Set<Ask>();
  /** Positions at which connects were answered. */
  const positions = new WeakMap<Decision, Answered>();
  const sessions = new Map<number, { readonly session: OpenSession; home: AttachedStream | undefined }>();
  let nextSession = 0;
  let closed = false;
  let sweep: NodeJS.Timeout | undefined;
  let downSinceMs: number | undefined = clock.monotonicMs();

  const deny = (reason: DenyReason, fault: Fault): Decision => {
    counts.denied_here += 1;
    onFault?.(fault);
    return denial(reason, { id: nextId() });
  };
  const late = (): void => {
    const now = clock.monotonicMs();
    // Oldest first: all wait equally long.
    for (const ask of waiting) {
      if (ask.endMs > now) break;
      ask.done(deny("internal_error", new Fault("deadline_exceeded", `no answer within ${deadlineMs} ms`)));
    }
    if (waiting.size === 0) {
      clearInterval(sweep);
      sweep = undefined;
    }
  };

  const stubs = addresses.map((address) => {
    const parts = { ...options, address };
    return {
      address,
      stub: new BrokerServiceClient(address, credentialsFor(parts), channelOptionsFor(parts)),
    };
  });
  const streams: AttachedStream[] = [];

  /** The stream of a device: its own while that is up, else the next one that is. */
  const route = (device: string): AttachedStream => {
    const first = hash(device) % streams.length;
    for (let i = 0; i < streams.length; i++) {
      const stream = streams[(first + i) % streams.length] as AttachedStream;
      if (stream.up) return stream;
    }
    return streams[first] as AttachedStream;
  };

  const send = (query: Query): Promise<Decision> =>
    new Promise((resolve) => {
      const now = clock.monotonicMs();
      if (closed) return resolve(deny("internal_error", new Fault("unreachable", "the client was closed")));
      if (waiting.size >= maxWaiting)
        return resolve(deny("rate_limited", new Fault("overloaded", `${maxWaiting} questions wait already`)));
      if (downSinceMs !== undefined && now - downSinceMs >= deadlineMs)
        return resolve(deny("internal_error", new Fault("unreachable", "no node can be reached")));
      counts.asked += 1;
      const ask: Ask = {
        query,
        endMs: now + deadlineMs,
        attempts: 0,
        settled: false,
        done: (decision, answered) => {
          if (ask.settled) return;
          ask.settled = true;
          waiting.delete(ask);
          if (answered !== undefined && query.kind === "connect") positions.set(decision, answered);
          resolve(decision);
        },
      };
      waiting.add(ask);
      sweep ??= setInterval(late, sweepMs);
      route(deviceOf(query)).ask(ask);
    });

  const again = (ask: Ask): void => {
    ask.attempts += 1;
    if (ask.settled) return;
    if (ask.attempts < mostAttempts) route(deviceOf(ask.query)).ask(ask);
    else ask.done(deny("internal_error", new Fault("unreachable", "facts changed faster than answers came")));
  };

  const announce = (stream: AttachedStream): void => {
    const own = [...sessions.values()].filter((each) => {
      each.home ??= route(deviceOf({ kind: "connect", subject: each.session.parts.subject }));
      return each.home === stream;
    });
    if (own.length === 0) return;
    stream.say({ $case: "list", value: { sessions: own.map(({ session }) => worded(session)) } });
    // What changed while nobody told us: ask about each of them.
    for (const { session } of own) void recheck(session);
  };

  const recheck = async (session: OpenSession): Promise<boolean> => {
    const open = await session.recheck(send);
    if (!open) forget(session);
    return open;
  };
  const forget = (session: OpenSession): void => {
    const known = sessions.get(session.id);
    if (known === undefined) return;
    sessions.delete(session.id);
    known.home?.say({ $case: "closed", value: { session_id: session.id } });
  };

  const act = async (stream: AttachedStream, change: Change, dropped: number): Promise<void> => {
    counts.changes += 1;
    counts.forgotten += dropped;
    const everything = change.records.length === 0;
    const affected = everything
      ? [...sessions.values()].filter(({ home }) => home === stream)
      : change.session_ids.flatMap((id) => sessions.get(id) ?? []);
    changes.publish({
      position: change.position,
      records: everything ? "everything" : change.records.length,
      forgotten: dropped,
      sessions: affected.length,
    } satisfies ChangeNews);
    if (affected.length === 0 && change.session_ids.length === 0 && !everything) return;
    const kept = await Promise.all(
      affected.map(async ({ session }) => {
        if (change.action !== SessionAction.SESSION_ACTION_DISCONNECT) return recheck(session);
        session.end("disconnect");
        forget(session);
        return false;
      }),
    );
    const closedNow = kept.filter((open) => !open).length;
    ends.sessions_ended += closedNow;
    const done = { closed: closedNow, kept: kept.length - closedNow };
    stream.say({ $case: "ack", value: { position: change.position, sessions: done } });
  };

  for (const { address, stub } of stubs) {
    for (let i = 0; i < perNode; i++) {
      streams.push(
        new AttachedStream({
          name: `${name}/${streams.length}`,
          address,
          stub,
          cache,
          batch: options.batch ?? 64,
          waitingBatches: options.waitingBatches ?? 4,
          nextId,
          onUp: (stream) => {
            downSinceMs = undefined;
            // Questions that wait elsewhere need not.
            for (const other of streams) if (!other.up) for (const ask of other.takeQueue()) again(ask);
            announce(stream);
          },
          onDown: (stream, unanswered) => {
            ends.stream_ends += 1;
            const others = streams.some(({ up }) => up);
            if (!others) downSinceMs ??= clock.monotonicMs();
            for (const each of sessions.values()) if (each.home === stream) each.home = undefined;
            if (closed) return;
            for (const ask of [...unanswered, ...(others ? stream.takeQueue() : [])]) again(ask);
            const homes = new Set(others ? streams.filter(({ up }) => up) : []);
            for (const home of homes) announce(home);
          },
          onChange: (stream, change, dropped) => void act(stream, change, dropped),
          onOvertaken: (ask) => {
            counts.overtaken += 1;
            again(ask);
          },
        }),
      );
    }
  }

  const worded = (session: OpenSession) => {
    const { subject } = session.parts;
    return {
      session_id: session.id,
      position: 0,
      device_id: subject.device_id ?? subject.client_id,
      gateway_id: subject.via?.gateway_id ?? "",
    };
  };

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
    session(parts) {
      nextSession += 1;
      const session = new OpenSession(nextSession, parts);
      const home = route(deviceOf({ kind: "connect", subject: parts.subject }));
      sessions.set(session.id, { session, home: home.up ? home : undefined });
      // What changed between the answer and now is told by the service.
      const answered = positions.get(parts.connect);
      const position = answered?.epoch === home.epoch ? answered.position : 0;
      home.say({ $case: "opened", value: { ...worded(session), position } });
      return {
        id: session.id,
        subscribed: (filter, qos) => void session.filters.set(filter, qos),
        unsubscribed: (filter) => void session.filters.delete(filter),
        closed: () => {
          session.closed();
          forget(session);
        },
      };
    },
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
      ...ends,
      streams_up: streams.filter(({ up }) => up).length,
      waiting: waiting.size,
      subjects: cache.size,
    }),
    async [Symbol.asyncDispose]() {
      closed = true;
      clearInterval(sweep);
      for (const stream of streams) stream.close();
      for (const ask of waiting)
        ask.done(deny("internal_error", new Fault("unreachable", "the client was closed")));
      for (const { stub } of stubs) stub.close();
    },
  };
}
