import type { Query } from "../decision/query.ts";
import { type DecisionEvent, type Evaluation, type Labels, timestamp } from "./event.ts";
import { describeQuestion } from "./question.ts";

/** A cached answer, as far as its repeats are concerned. */
export interface Repeated {
  /** Times given from the cache since it was last logged. */
  count: number;
  /** `undefined`: its repeats are not logged. */
  readonly tally: Tally | undefined;
}

/** What is kept of a cached answer to log its repeats: no more than a repeat says. */
export interface Tally {
  readonly kind: Query["kind"];
  readonly question: object;
  readonly decisionId: string;
  readonly allow: boolean;
  readonly reason: string;
  readonly peer: string;
  readonly bundleRevision: string;
  readonly registryRevision: number;
}

/** A tally for the repeats of an answer that will be cached. */
export function openTally({ query, peer, decision }: Evaluation): Tally {
  return {
    kind: query.kind,
    question: describeQuestion(query),
    decisionId: decision.decision_id,
    allow: decision.allow,
    reason: decision.reason,
    peer: peer.name,
    bundleRevision: decision.bundle_revision,
    registryRevision: decision.registry_revision,
  };
}

const texts = new WeakMap<Labels, string>();

/** Labels are the same object for every event of a log. */
function labelsText(labels: Labels): string {
  let text = texts.get(labels);
  if (text === undefined) texts.set(labels, (text = JSON.stringify(labels)));
  return text;
}

/**
 * The line of one evaluated decision, a {@link DecisionEvent}, without its line end. It is put together as text: the
 * input, its largest part, is JSON already, and a miss pays for the rest each time.
 */
export function composeLine(evaluation: Evaluation, labels: Labels, wallMs: number): string {
  const { query, peer, decision, inputJson, detail, evaluationUs } = evaluation;
  const { allow, bundle_revision, findings, obligations, registry_age_s, valid_until } = decision;
  const input = inputJson ?? JSON.stringify(describeQuestion(query));
  const result = {
    allow,
    reason: decision.reason,
    findings,
    obligations,
    valid_until,
    registry_age_s,
    detail,
  };
  const reason = JSON.stringify(decision.reason);
  return (
    `{"input":${input},"labels":${labelsText(labels)},"decision_id":${JSON.stringify(decision.decision_id)},` +
    `"bundles":{"sallyport":{"revision":${JSON.stringify(bundle_revision)}}},"path":"sallyport/${query.kind}",` +
    `"result":${JSON.stringify(result)},"requested_by":${JSON.stringify(peer.name)},` +
    `"timestamp":"${timestamp(wallMs)}","reason":${reason},"registry_revision":${decision.registry_revision},` +
    `"metrics":{"timer_rego_query_eval_ns":${Math.round(evaluationUs * 1000)}}}`
  );
}

/** The line of a cached answer's repeats between two moments, without its line end. */
export function composeRepeats(
  tally: Tally,
  count: number,
  labels: Labels,
  fromMs: number,
  toMs: number,
): string {
  const event: DecisionEvent = {
    labels,
    decision_id: tally.decisionId,
    bundles: { sallyport: { revision: tally.bundleRevision } },
    path: `sallyport/${tally.kind}`,
    input: tally.question,
    result: { allow: tally.allow, reason: tally.reason },
    requested_by: tally.peer,
    timestamp: timestamp(toMs),
    reason: tally.reason,
    registry_revision: tally.registryRevision,
    count,
    first: timestamp(fromMs),
    last: timestamp(toMs),
  };
  return JSON.stringify(event);
}
