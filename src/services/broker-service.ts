/** `sallyport.v1.BrokerService`: attached streams, wire to domain and back, nothing else. */
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { Decision } from "../decision/decision.ts";
import { denial } from "../decision/denial.ts";
import type { Peer } from "../decision/identity.ts";
import type { Query } from "../decision/query.ts";
import * as wire from "../gen/sallyport/v1/broker.ts";
import type { BatchItem } from "../gen/sallyport/v1/decision.ts";
import { nextDecisionId } from "../pdp/answer.ts";
import type { AttachedLink, LinkChange, OpenSession } from "../pdp/attached-link.ts";
import type { PeerDecider } from "../pdp/pdp.ts";
import { Fault } from "../runtime/fault.ts";
import type { GrpcService } from "../runtime/ports.ts";
import { connectionOf } from "../server/mount.ts";
import { toGrpcStatus } from "../server/status.ts";
import { type AttachLimits, defaultAttachLimits } from "./attach-limits.ts";
import { type AccountingParts, attachedResult, unusable } from "./attached-result.ts";
import { type RequestLimits, toQueries } from "./from-wire.ts";
import { permit } from "./permit.ts";

/** Parts of the service. */
export interface BrokerServiceParts extends AccountingParts {
  readonly deciderOf: (peer: Peer) => PeerDecider;
  readonly limits: RequestLimits;
  readonly attachLimits?: AttachLimits;
}

type Stream = ServerDuplexStream<wire.AttachRequest, wire.AttachResponse>;

/** How often an answer is asked for again because facts changed while it was on its way. */
const attempts = 3;

const opened = (given: wire.SessionOpened): OpenSession => ({
  id: given.session_id,
  device: given.device_id,
  gateway: given.gateway_id,
});

/** One stream. Every handler throws a fault to end it. */
class Attached {
  readonly #stream: Stream;
  readonly #parts: BrokerServiceParts;
  readonly #limits: AttachLimits;
  readonly #decider: PeerDecider;
  readonly #peer: Peer;
  #link: AttachedLink | undefined;
  #waiting = 0;

  constructor(stream: Stream, parts: BrokerServiceParts, peer: Peer) {
    this.#stream = stream;
    this.#parts = parts;
    this.#limits = parts.attachLimits ?? defaultAttachLimits;
    this.#peer = peer;
    this.#decider = parts.deciderOf(peer);
  }

  handle({ message }: wire.AttachRequest): void {
    if (message === undefined) throw new Fault("request_invalid", "a request without a message");
    if (message.$case === "hello") {
      this.#hello(message.value);
      return;
    }
    const link = this.#link;
    if (link === undefined) throw new Fault("request_invalid", "the first request must be `hello`");
    const { attachments } = this.#parts;
    switch (message.$case) {
      case "checks":
        this.#checks(link, message.value);
        return;
      case "renew": {
        const duration_ms = attachments.renewed(link);
        this.#send({ $case: "lease", value: { nonce: message.value.nonce, duration_ms } });
        return;
      }
      case "ack": {
        const { position, sessions } = message.value;
        if (attachments.acknowledged(link, position, sessions)) return;
        throw new Fault("request_invalid", `position ${position} was never told on this stream`);
      }
      case "opened":
        if (link.sessions >= this.#limits.sessions) this.#tooMany("sessions", this.#limits.sessions);
        link.opened(opened(message.value));
        attachments.announced(opened(message.value), link, message.value.position);
        return;
      case "closed":
        link.closed(message.value.session_id);
        return;
      case "list":
        if (message.value.sessions.length > this.#limits.sessions)
          this.#tooMany("sessions", this.#limits.sessions);
        link.listed(message.value.sessions.map(opened));
        return;
      default:
        message satisfies never;
    }
  }

  end(): void {
    if (this.#link !== undefined) this.#parts.attachments.detach(this.#link);
  }

  #tooMany(what: string, most: number): never {
    throw new Fault("limit_exceeded", `more than ${most} ${what} on one stream; open another`);
  }

  #send(message: NonNullable<wire.AttachResponse["message"]>): void {
    // A client that reads too slowly is not read either, until it has caught up.
    if (!this.#stream.write({ message }) && !this.#stream.isPaused()) {
      this.#stream.pause();
      this.#stream.once("drain", () => this.#stream.resume());
    }
  }

  #hello({ client, fail_static }: wire.Hello): void {
    if (this.#link !== undefined) throw new Fault("request_invalid", "`hello` was sent already");
    if (client.length > this.#limits.client_chars)
      this.#tooMany("characters in `client`", this.#limits.client_chars);
    const { attachments, limits } = this.#parts;
    this.#link = attachments.attach(this.#peer, client, (change) => this.#tell(change), new Set(fail_static));
    this.#send({
      $case: "welcome",
      value: {
        epoch: attachments.epoch,
        position: attachments.position,
        lease_ms: attachments.terms.durationMs,
        max_batch: limits.batch,
        max_waiting_batches: this.#limits.waiting_batches,
        max_sessions: this.#limits.sessions,
      },
    });
  }

  #tell({ action, position, records, sessions }: LinkChange): void {
    const value: wire.Change = {
      position,
      records: records === "everything" ? [] : [...records],
      action:
        action === "disconnect"
          ? wire.SessionAction.SESSION_ACTION_DISCONNECT
          : wire.SessionAction.SESSION_ACTION_RECHECK,
      session_ids: records === "everything" ? [] : [...sessions],
    };
    this.#send({ $case: "change", value });
    if ((this.#link?.standing.waiting ?? 0) > this.#limits.waiting_changes)
      this.fail(new Fault("overloaded", "changes are not acknowledged: the stream is too slow"));
  }

  #checks(link: AttachedLink, { batch_id, items }: wire.CheckBatch): void {
    const { batch } = this.#parts.limits;
    if (items.length === 0 || items.length > batch)
      throw new Fault("limit_exceeded", `a batch holds 1 to ${batch} items, not ${items.length}`);
    if (this.#waiting >= this.#limits.waiting_batches)
      this.#tooMany("batches that wait", this.#limits.waiting_batches);
    const results: (wire.AttachedResult | undefined)[] = [];
    let late: Promise<void>[] | undefined;
    for (let i = 0; i < items.length; i++) {
      const result = this.#answer(link, items[i] as BatchItem);
      if (!(result instanceof Promise)) results.push(result);
      else {
        results.push(undefined);
        late ??= [];
        late.push(
          result.then((done) => {
            results[i] = done;
          }),
        );
      }
    }
    if (late === undefined) {
      this.#answered(link, batch_id, results as wire.AttachedResult[]);
      return;
    }
    this.#waiting += 1;
    const since = this.#parts.attachments.position;
    void Promise.all(late).then(
      () => {
        this.#waiting -= 1;
        if (!link.ended) this.#finish(link, batch_id, items, results as wire.AttachedResult[], since);
      },
      (thrown: unknown) => this.fail(thrown),
    );
  }

  /** Items of a late batch that were answered early may be wrong by now; then the client asks them again. */
  #finish(
    link: AttachedLink,
    id: number,
    items: readonly BatchItem[],
    results: wire.AttachedResult[],
    since: number,
  ): void {
    const { attachments } = this.#parts;
    const settled = results.map((result, i) => {
      const restsOn = result.rests_on as Decision["rests_on"];
      if (restsOn.length === 0 || !attachments.touched(restsOn, since)) return result;
      const again = this.#answer(link, items[i] as BatchItem);
      return again instanceof Promise ? this.#denied("internal_error") : again;
    });
    this.#answered(link, id, settled);
  }

  #answered(link: AttachedLink, batch_id: number, results: wire.AttachedResult[]): void {
    const { attachments } = this.#parts;
    const { position } = attachments;
    const once_ms = attachments.answered(link);
    this.#send({ $case: "results", value: { batch_id, position, results, once_ms } });
  }

  #denied(reason: "bad_request" | "internal_error"): wire.AttachedResult {
    return unusable(denial(reason, { id: nextDecisionId() }));
  }

  #answer(link: AttachedLink, item: BatchItem): wire.AttachedResult | Promise<wire.AttachedResult> {
    let query: Query | undefined;
    try {
      const queries = toQueries(item, this.#parts.limits);
      if (queries.length === 1) query = queries[0];
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
    }
    if (query === undefined) return this.#denied("bad_request");
    permit(this.#peer, query.kind);
    const decision = this.#decider.decide(query);
    return decision instanceof Promise
      ? this.#later(link, query, decision)
      : this.#result(link, query, decision);
  }

  async #later(link: AttachedLink, query: Query, first: Promise<Decision>): Promise<wire.AttachedResult> {
    const { attachments } = this.#parts;
    let asked = first;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const since = attachments.position;
      const decision = await asked;
      if (!attachments.touched(decision.rests_on, since)) return this.#result(link, query, decision);
      asked = Promise.resolve(this.#decider.decide(query));
    }
    return this.#denied("internal_error");
  }

  #result(link: AttachedLink, query: Query, decision: Decision): wire.AttachedResult {
    return attachedResult(link, query, decision, this.#parts);
  }

  fail(thrown: unknown): void {
    this.end();
    this.#stream.emit("error", toGrpcStatus(thrown));
  }
}

/** Builds the service. */
export function brokerService(parts: BrokerServiceParts): GrpcService {
  const attach = (stream: Stream): void => {
    const connection = connectionOf(stream);
    const attached = new Attached(stream, parts, connection.peer);
    let failed = false;
    stream.on("data", (request: wire.AttachRequest) => {
      if (failed) return;
      try {
        attached.handle(request);
      } catch (thrown) {
        failed = true;
        if (!(thrown instanceof Fault) || thrown.code === "internal") connection.onFault(thrown);
        attached.fail(thrown);
      }
    });
    stream.on("end", () => {
      attached.end();
      stream.end();
    });
    stream.on("cancelled", () => attached.end());
    stream.on("error", () => attached.end());
  };
  return { definition: wire.BrokerServiceService, implementation: { attach } };
}
