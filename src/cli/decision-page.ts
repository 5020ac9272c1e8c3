/** Answers for people. */
import type { Decision } from "../decision/decision.ts";
import type { Obligations } from "../decision/obligations.ts";
import { obligationNames } from "../decision/obligations.ts";
import type { Query } from "../decision/query.ts";
import type { RetryClass } from "../decision/reasons.ts";
import type { Answer } from "./answer.ts";
import { showMoment, showSpan } from "./moment.ts";
import { alignCells, emphasise, renderRows } from "./page.ts";
import { visible } from "./visible.ts";

const retryMeanings: Readonly<Record<RetryClass, string>> = {
  never: "never: nothing that the device or an operator does will help",
  remediate: "remediate: the device or an operator must change something first",
  backoff: "backoff: transient, try again later",
};

function subjectOf(query: Query): string {
  if (query.kind === "command" || query.kind === "ota") return query.device_id;
  const { subject } = query;
  const { proof } = subject;
  const bound = proof !== null && "credential" in proof ? proof.credential.device_id : "";
  const who = (subject.device_id ?? subject.client_id) || bound || "unnamed";
  return subject.via === undefined ? who : `${who} via ${subject.via.gateway_id}`;
}

/** The question in a few words: `publish meter-001 t/acme/d/meter-001/ops/temp`. */
function describe(query: Query): string {
  const who = subjectOf(query);
  switch (query.kind) {
    case "connect":
      return `connect ${who}`;
    case "publish":
      return `publish ${who} ${query.topic}`;
    case "subscribe":
      return `subscribe ${who} ${query.filter}`;
    case "command":
      return `command ${who} ${query.command}`;
    case "consume":
      return `consume ${who} ${query.filter}`;
    case "ota":
      return `ota ${who} ${query.release}`;
    default:
      return query satisfies never;
  }
}

function showObligation(name: keyof Obligations, value: unknown, now: number): string {
  if (typeof value === "number" && name.endsWith("_s")) return `${value} (${showSpan(value)})`;
  if (typeof value === "number" && name.endsWith("_by")) return showMoment(value, now);
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function policyOf(decision: Decision): string {
  if (decision.bundle_revision === "") return "no bundle in force";
  return `bundle ${decision.bundle_revision}`;
}

/** The answer in a few aligned lines. `now` is unix seconds. */
export function renderDecision({ query, decision }: Answer, now: number): string {
  const { allow, reason, findings, retry, obligations, valid_until } = decision;
  const verdict = allow ? emphasise("good", "ALLOW") : emphasise("bad", "DENY ");
  const due = obligationNames.flatMap((name) => {
    const value = obligations[name];
    return value === undefined ? [] : [[name, showObligation(name, value, now)] as const];
  });
  const asked = decision.cached ? " (from the cache)" : "";
  const until =
    valid_until === undefined ? "until facts, policy or configuration change" : showMoment(valid_until, now);
  return `${verdict}  ${visible(reason)}  ${emphasise("quiet", visible(describe(query)))}\n${renderRows([
    ["findings", ...findings],
    ...(retry === undefined ? [] : [["retry", retryMeanings[retry]] as const]),
    ["obligations", ...alignCells(due)],
    ["valid until", until],
    ["policy", policyOf(decision)],
    ["facts", `registry revision ${decision.registry_revision}, ${showSpan(decision.registry_age_s)} old`],
    ["decision", `${decision.decision_id}${asked}`],
  ])}`;
}
