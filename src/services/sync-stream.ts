/** `RegistryService.Sync`: a source that pushes its records, wire to domain and back. */
import type { handleBidiStreamingCall, ServerDuplexStream } from "@grpc/grpc-js";
import type { Peer } from "../decision/identity.ts";
import type * as wire from "../gen/sallyport/v1/registry.ts";
import type { DutyLedger } from "../registry/duty-ledger.ts";
import { ownedBy } from "../registry/owes.ts";
import type { RecordMill } from "../registry/record-mill.ts";
import type { RecordValidator } from "../registry/record-validator.ts";
import type { Registry } from "../registry/registry.ts";
import type { SyncEvent, SyncReply } from "../registry/sync.ts";
import { SyncSession } from "../registry/sync-session.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { connectionOf } from "../server/mount.ts";
import { toGrpcStatus } from "../server/status.ts";
import { permitByName } from "./permit.ts";
import { SyncDuties } from "./sync-duties.ts";

/** Parts of the stream. */
export interface SyncParts {
  readonly registry: Registry;
  readonly validate: RecordValidator;
  /** Where the records of large snapshots are read; absent: here. */
  readonly mill?: RecordMill | undefined;
  readonly clock: Clock;
  readonly maxLostShare: number;
  /** Milliseconds after which a feed that says nothing is ended, so that it comes again (SYN-09). */
  readonly silenceMs: number;
  /** Duties that sources may be told of; absent: none are. */
  readonly ledger?: DutyLedger;
}

/** Milliseconds without a message after which what was taken is put in force. */
const quietMs = 3;

type Call = ServerDuplexStream<wire.SyncRequest, wire.SyncResponse>;

function toEvent({ message }: wire.SyncRequest): SyncEvent {
  switch (message?.$case) {
    case "begin_snapshot":
      return { type: "begin_snapshot", revision: message.value.revision };
    case "upsert": {
      // Named one by one: V8 gives every object that is spread and added to a shape of its own.
      const { kind, prev, record_json: record, revision, version } = message.value;
      return { type: "upsert", kind, record, revision, prev, version };
    }
    case "delete":
      return { type: "delete", ...message.value };
    case "end_snapshot":
      return { type: "end_snapshot", ...message.value };
    case "bookmark":
      return { type: "bookmark", ...message.value };
    case "begin_bucket":
      return { type: "begin_bucket", ...message.value };
    case "end_bucket":
      return { type: "end_bucket", ...message.value };
    default:
      throw new Fault(
        "request_invalid",
        "`hello` comes once and first; then a message that this release knows",
      );
  }
}

function toResponse({ type, ...value }: SyncReply): wire.SyncResponse {
  return { message: { $case: type, value } as wire.SyncResponse["message"] };
}

function helloIn(request: wire.SyncRequest | undefined): wire.SyncHello {
  if (request?.message?.$case === "hello") return request.message.value;
  throw new Fault("request_invalid", "the first message is not `hello`");
}

/** A peer has names of its own, so that it can never write what another source owns. */
function sourceOf(peer: Peer, suffix: string): string {
  if (!/^[A-Za-z0-9_.-]{0,64}$/.test(suffix))
    throw new Fault("request_invalid", "`source` is no name: use letters, digits and `-_.`");
  return suffix === "" ? `push:${peer.name}` : `push:${peer.name}/${suffix}`;
}

async function serve(call: Call, parts: SyncParts): Promise<void> {
  const { peer } = connectionOf(call);
  permitByName(peer, "feed");
  // The iterator must leave the stream alone when the sender is done: it is still written to.
  const requests = call.iterator({ destroyOnReturn: false }) as AsyncIterator<wire.SyncRequest, undefined>;
  const hello = helloIn((await requests.next()).value);
  const { clock, maxLostShare, mill, registry, validate } = parts;
  const source = sourceOf(peer, hello.source);
  const feed = registry.feed(source, {
    tenants: peer.tenants,
    awaited: false,
    origin: peer.origin,
  });
  const session = new SyncSession({
    feed,
    validate,
    mill,
    clock,
    epoch: hello.epoch,
    maxLostShare: hello.confirm_deletions ? 1 : maxLostShare,
    reply: (reply) => {
      call.write(toResponse(reply));
      // What was acknowledged may be a record of which something is still to be told.
      if (reply.type === "ack") duties?.acknowledged();
    },
  });
  const { ledger } = parts;
  const duties =
    hello.takes_duties && ledger !== undefined
      ? new SyncDuties({
          ledger,
          records: registry,
          own: ownedBy(registry, source),
          send: (value) => void call.write({ message: { $case: "duty", value } }),
        })
      : undefined;
  try {
    await follow(call, watched(requests, parts.silenceMs), { session, source, duties });
  } finally {
    await duties?.[Symbol.asyncDispose]();
    try {
      await session[Symbol.asyncDispose]();
    } finally {
      await feed[Symbol.asyncDispose]();
    }
  }
}

/** One connection. */
interface Following {
  readonly session: SyncSession;
  readonly source: string;
  readonly duties: SyncDuties | undefined;
}

async function follow(
  call: Call,
  requests: AsyncIterator<wire.SyncRequest, undefined>,
  { duties, session, source }: Following,
): Promise<void> {
  const resume = session.resume;
  const value = { resumable: resume !== undefined, resume: resume ?? 0, source };
  call.write({ message: { $case: "welcome", value } });
  let next = requests.next();
  for (;;) {
    // Nothing else arrives for a moment: what was taken is put in force and acknowledged, in one transaction.
    if (call.readableLength === 0 && session.pending && (await quiet(next))) await session.flush();
    const { done, value: request } = await next;
    if (done === true) return;
    for (const each of messagesOf(request)) {
      // Nothing is forgotten by that: a duty is open until the record says it.
      if (each.message?.$case === "duty_taken") continue;
      const writing = session.take(toEvent(each));
      if (writing !== undefined) await writing;
      if (duties?.looking !== undefined) await duties.looking;
    }
    next = requests.next();
  }
}

/**
 * The same requests; a silence ends them with `source_unavailable`. A connection that is open and dead would keep the
 * source from feeding over another one.
 */
function watched<T>(requests: AsyncIterator<T, undefined>, silenceMs: number): AsyncIterator<T, undefined> {
  return {
    next: () =>
      new Promise((resolve, reject) => {
        const late = (): void =>
          reject(
            new Fault("source_unavailable", `the feed has said nothing for ${silenceMs} ms; connect again`),
          );
        const timer = setTimeout(late, silenceMs);
        timer.unref();
        requests
          .next()
          .then(resolve, reject)
          .finally(() => clearTimeout(timer));
      }),
  };
}

/** Whether nothing has come before the moment is over. */
function quiet(next: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), quietMs);
    const heard = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    next.then(heard, heard);
  });
}

function messagesOf(request: wire.SyncRequest): readonly wire.SyncRequest[] {
  return request.message?.$case === "batch" ? request.message.value.requests : [request];
}

/** Builds the method. The sender is read no faster than its records are applied. */
export function syncStream(parts: SyncParts): handleBidiStreamingCall<wire.SyncRequest, wire.SyncResponse> {
  return (call) => {
    serve(call, parts).then(
      () => call.end(),
      (thrown: unknown) => {
        if (!call.cancelled) call.emit("error", toGrpcStatus(thrown));
      },
    );
  };
}
