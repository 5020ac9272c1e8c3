import type { Decision } from "../../src/decision/decision.ts";
import type { Row } from "./table.ts";

/** What a row expects, and what came, in the same words. */
export function compare(row: Row, decision: Decision): { expected: unknown; actual: unknown } {
  const obligations = decision.obligations as Readonly<Record<string, unknown>>;
  const named = Object.keys(row.obligations).map((name) => [name, obligations[name]]);
  const unwanted = row.absent.filter((name) => obligations[name] !== undefined);
  return {
    expected: { allow: row.allow, reason: row.reason, obligations: row.obligations, unwanted: [] },
    actual: {
      allow: decision.allow,
      reason: decision.reason,
      obligations: Object.fromEntries(named),
      unwanted,
    },
  };
}
