/** `sallyport.v1.DecisionService`: wire to domain and back, nothing else. */
import type { Decision } from "../decision/decision.ts";
import { denial } from "../decision/denial.ts";
import type { Peer } from "../decision/identity.ts";
import type { Query } from "../decision/query.ts";
import * as wire from "../gen/sallyport/v1/decision.ts";
import { nextDecisionId } from "../pdp/answer.ts";
import type { PeerDecider } from "../pdp/pdp.ts";
import { Fault } from "../runtime/fault.ts";
import type { GrpcService } from "../runtime/ports.ts";
import { unary } from "../server/unary.ts";
import {
  type RequestLimits,
  toCommand,
  toConnect,
  toConsume,
  toOta,
  toPublish,
  toQueries,
  toSubject,
  toSubscribes,
} from "./from-wire.ts";
import { permit } from "./permit.ts";
import { toWireDecision, toWireExplanation, toWireGrants } from "./to-wire.ts";

/** Parts of the service. */
export interface DecisionServiceParts {
  /** The decider bound to a peer. */
  readonly deciderOf: (peer: Peer) => PeerDecider;
  readonly limits: RequestLimits;
  /** Told of every answer that leaves for a caller who cannot be told of changes, and until when it may be used. */
  readonly promised?: (decision: Decision, until?: number) => void;
}

interface Answered {
  readonly decision: wire.Decision;
}

type MaybeLater<T> = T | Promise<T>;

function answered(decision: MaybeLater<Decision>): MaybeLater<Answered> {
  return decision instanceof Promise
    ? decision.then((done) => ({ decision: toWireDecision(done) }))
    : { decision: toWireDecision(decision) };
}

/** Builds the service. */
export function decisionService(parts: DecisionServiceParts): GrpcService {
  const { deciderOf, limits, promised } = parts;

  const ask = (peer: Peer, query: Query): MaybeLater<Decision> => {
    permit(peer, query.kind);
    const decision = deciderOf(peer).decide(query);
    if (promised === undefined) return decision;
    if (decision instanceof Promise)
      return decision.then((done) => {
        promised(done);
        return done;
      });
    promised(decision);
    return decision;
  };

  async function askAll(peer: Peer, queries: readonly Query[]): Promise<wire.Decision[]> {
    const decisions: wire.Decision[] = [];
    for (const query of queries) {
      const decision = ask(peer, query);
      decisions.push(toWireDecision(decision instanceof Promise ? await decision : decision));
    }
    return decisions;
  }

  async function batchItem(peer: Peer, item: wire.BatchItem): Promise<wire.BatchResult> {
    try {
      return { decisions: await askAll(peer, toQueries(item, limits)) };
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.code === "peer_forbidden") throw thrown;
      const refused = denial("bad_request", { id: nextDecisionId(), findings: [] });
      return { decisions: [toWireDecision(refused)] };
    }
  }

  async function explain(request: wire.ExplainRequest, peer: Peer): Promise<wire.ExplainResponse> {
    permit(peer, "inspect");
    if (request.check === undefined)
      throw new Fault("request_invalid", "`check` is missing; set the question to explain");
    const queries = toQueries(request.check, limits);
    for (const query of queries) permit(peer, query.kind);
    const explanations: wire.Explanation[] = [];
    for (const query of queries) explanations.push(toWireExplanation(await deciderOf(peer).explain(query)));
    return { explanations };
  }

  async function batch(request: wire.BatchCheckRequest, peer: Peer): Promise<wire.BatchCheckResponse> {
    const { items } = request;
    if (items.length === 0)
      throw new Fault("request_invalid", "`items` is empty; put at least one check in it");
    if (items.length > limits.batch) {
      throw new Fault(
        "limit_exceeded",
        `\`items\` has ${items.length} entries; at most ${limits.batch} are allowed`,
      );
    }
    const results: wire.BatchResult[] = [];
    for (const item of items) results.push(await batchItem(peer, item));
    return { results };
  }

  async function listGrants(request: wire.ListGrantsRequest, peer: Peer): Promise<wire.ListGrantsResponse> {
    permit(peer, "connect");
    const list = await deciderOf(peer).grants(toSubject(request.subject));
    promised?.(list.decision, list.session_expires_at);
    return toWireGrants(list);
  }

  return {
    definition: wire.DecisionServiceService,
    implementation: {
      checkConnect: unary((request: wire.CheckConnectRequest, peer) =>
        answered(ask(peer, toConnect(request))),
      ),
      checkPublish: unary((request: wire.CheckPublishRequest, peer) =>
        answered(ask(peer, toPublish(request))),
      ),
      checkSubscribe: unary(async (request: wire.CheckSubscribeRequest, peer) => ({
        decisions: await askAll(peer, toSubscribes(request, limits)),
      })),
      checkCommand: unary((request: wire.CheckCommandRequest, peer) =>
        answered(ask(peer, toCommand(request))),
      ),
      checkUpdate: unary((request: wire.CheckUpdateRequest, peer) => answered(ask(peer, toOta(request)))),
      checkConsume: unary((request: wire.CheckConsumeRequest, peer) =>
        answered(ask(peer, toConsume(request))),
      ),
      batchCheck: unary(batch),
      listGrants: unary(listGrants),
      explain: unary(explain),
    },
  };
}
