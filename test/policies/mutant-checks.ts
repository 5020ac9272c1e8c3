/** What must notice a missing rule, on any instance of the policies. */
import { readFileSync } from "node:fs";
import { canonical } from "./clock.ts";
import { type Answer, render } from "./harness.ts";
import { cutsPath, plainRows, type RegoRow, regoRows } from "./rows-data.ts";
import type { Facts } from "./tables.ts";

/** Asks one entrypoint. */
export type Evaluate = (entrypoint: string, input: unknown) => unknown;

/** One test: `holds` is false, or throws, where it fails. */
export interface Check {
  readonly name: string;
  readonly holds: (evaluate: Evaluate) => boolean;
}

interface Grant {
  readonly action: string;
  readonly effect: string;
  readonly filter: string;
  readonly max_qos: number;
  readonly retain: boolean;
}

interface Grants extends Answer {
  readonly grants: readonly Grant[];
}

/** Whether an instance gives the row's answer, with obligations as the host renders them. */
export function rowHolds({ kind, input, expect }: RegoRow, evaluate: Evaluate): boolean {
  const answer = evaluate(`sallyport/${kind}`, input) as Answer | undefined;
  if (answer?.allow !== expect.allow || answer.reason !== expect.reason) return false;
  const duties = render(answer.obligations, input["now"] as number);
  return (
    Object.entries(expect.obligations ?? {}).every(
      ([name, value]) => canonical(duties[name]) === canonical(value),
    ) &&
    (expect.absent ?? []).every((name) => !(name in duties)) &&
    (expect.findings === undefined || canonical(expect.findings) === canonical(answer.findings))
  );
}

function covered(list: readonly Grant[], { kind, input }: RegoRow): boolean {
  const request = input["request"] as Facts;
  const name = String(kind === "publish" ? request["topic"] : request["filter"]);
  const qos = kind === "publish" ? (request["qos"] as number) : 0;
  return list.some(
    (grant) =>
      grant.action === kind &&
      grant.effect === "allow" &&
      `${name}/`.startsWith(grant.filter.slice(0, -1)) &&
      qos <= grant.max_qos &&
      (kind !== "publish" || request["retain"] === false || grant.retain),
  );
}

function grantsAgree(row: RegoRow, evaluate: Evaluate): boolean {
  const list = evaluate("sallyport/grants", row.grants) as Grants;
  const single = evaluate(`sallyport/${row.kind}`, row.input) as Answer;
  if (row.kind !== "connect") return !row.comparable || single.allow === covered(list.grants, row);
  if ((row.input["request"] as Facts)["will"] !== null || single.reason === "claim_spent") return true;
  const { consume_claim: _, ...duties } = single.obligations;
  return (
    single.reason === list.reason &&
    canonical(single.findings) === canonical(list.findings) &&
    canonical(duties) === canonical(list.obligations)
  );
}

/** All checks; `tests` are entrypoints of Rego tests. */
export function checks(tests: readonly string[]): Check[] {
  const rows = regoRows();
  const cuts = canonical(JSON.parse(readFileSync(cutsPath, "utf8")));
  return [
    ...rows.map((row) => ({ name: row.id, holds: (evaluate: Evaluate) => rowHolds(row, evaluate) })),
    ...tests.map((test) => ({ name: test, holds: (evaluate: Evaluate) => evaluate(test, {}) === true })),
    {
      name: "the cuts are as written",
      holds: (evaluate: Evaluate) => canonical(evaluate("sallyport/cuts", {})) === cuts,
    },
    {
      name: "the mask hides something",
      holds: (evaluate: Evaluate) => (evaluate("system/log/mask", {}) as unknown[]).length > 0,
    },
    ...plainRows().map(({ input }, i) => ({
      name: `healthy publish ${i}`,
      holds: (evaluate: Evaluate) => evaluate("sallyport/authz/publish/straight", input) === true,
    })),
    ...rows
      .filter(({ kind }) => kind === "publish")
      .map((row) => ({
        name: `${row.id} explained`,
        holds: (evaluate: Evaluate) =>
          canonical(evaluate("sallyport/publish", row.input)) ===
          canonical(evaluate("sallyport/authz/publish/explained", row.input)),
      })),
    ...rows
      .filter(({ grants }) => grants !== undefined)
      .map((row) => ({
        name: `${row.id} grants`,
        holds: (evaluate: Evaluate) => grantsAgree(row, evaluate),
      })),
  ];
}
