/** Answers for programs. Fields are only ever added. */
import type { Query } from "../decision/query.ts";
import type { Answer } from "./answer.ts";

/** What was asked, without any proof. */
function question(query: Query): Readonly<Record<string, unknown>> {
  const { kind } = query;
  switch (kind) {
    case "connect":
      return { kind };
    case "publish":
      return { kind, topic: query.topic, qos: query.qos, retain: query.retain };
    case "subscribe":
      return { kind, filter: query.filter, qos: query.qos };
    case "command":
      return { kind, device_id: query.device_id, command: query.command };
    case "consume":
      return { kind, filter: query.filter };
    case "ota":
      return { kind, device_id: query.device_id, release: query.release };
    default:
      return query satisfies never;
  }
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** One answer as a plain object: the question, the fields of `Decision` in the API, and `explanation` if there is one. */
export function toJson({ query, decision, explanation }: Answer): Readonly<Record<string, unknown>> {
  const { allow, reason, findings, retry, obligations, valid_until } = decision;
  const { bundle_revision, registry_revision, registry_age_s, decision_id } = decision;
  const said = {
    ...question(query),
    allow,
    reason,
    findings,
    retry: retry ?? null,
    obligations,
    valid_until: valid_until ?? null,
    bundle_revision,
    registry_revision,
    registry_age_s,
    decision_id,
    cached: decision.cached,
  };
  if (explanation === undefined) return said;
  const { cached, summary, facts, bound, records, input_json } = explanation;
  const input = parseInput(input_json);
  return { ...said, explanation: { cached, summary, facts, bound: bound ?? null, records, input } };
}
