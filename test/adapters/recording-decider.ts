/** A small decider made of a rule, which remembers what it was asked. */
import type { Decider, Decision } from "../../src/decision/decision.ts";
import { denial } from "../../src/decision/denial.ts";
import type { Obligations } from "../../src/decision/obligations.ts";
import type { Query } from "../../src/decision/query.ts";
import type { AllowReason, DenyReason } from "../../src/decision/reasons.ts";

/** What a rule makes of a question. */
export type Rule = (query: Query) => Decision | Promise<Decision>;

export class RecordingDecider implements Decider {
  readonly asked: Query[] = [];
  rule: Rule;

  constructor(rule: Rule = () => allowed()) {
    this.rule = rule;
  }

  decide(query: Query): Decision | Promise<Decision> {
    this.asked.push(query);
    return this.rule(query);
  }

  /** Questions of one kind, in the order of asking. */
  of<K extends Query["kind"]>(kind: K): Extract<Query, { kind: K }>[] {
    return this.asked.filter((query): query is Extract<Query, { kind: K }> => query.kind === kind);
  }
}

let count = 0;

/** An allow. */
export function allowed(obligations: Obligations = {}, more: Partial<Decision> = {}): Decision {
  count += 1;
  const reason: AllowReason = "ok";
  const { retry: _, ...rest } = denial("internal_error", { id: `test-${count}` });
  return { ...rest, allow: true, reason, obligations, ...more };
}

/** A denial. */
export function denied(reason: DenyReason, obligations?: Obligations): Decision {
  count += 1;
  return denial(reason, { id: `test-${count}`, ...(obligations === undefined ? {} : { obligations }) });
}

/** The answer of a decider that takes its time. */
export function after(ms: number, decision: Decision): Promise<Decision> {
  return new Promise((resolve) => setTimeout(resolve, ms, decision));
}
