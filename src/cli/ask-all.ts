/** Asks the service, prints what it says, and turns it into an exit code. */
import { type Client, connect } from "../client/client.ts";
import type { Query } from "../decision/query.ts";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import type { Answer } from "./answer.ts";
import type { CheckFlags } from "./check-options.ts";
import { adviseOn, toConnectOptions } from "./connection.ts";
import { toJson } from "./decision-json.ts";
import { renderDecision } from "./decision-page.ts";
import { renderExplanation } from "./explanation-page.ts";

/** Exit codes: all allowed, at least one denied; 1 is for errors. */
const allowed = 0;
const denied = 2;

async function ask(client: Client, queries: readonly Query[], faults: readonly Fault[]): Promise<Answer[]> {
  const [only] = queries;
  const decisions =
    queries.length === 1 && only !== undefined ? [await client.decide(only)] : await client.batch(queries);
  // The client turns what went wrong into denials; nobody decided anything, so it is an error here.
  const [fault] = faults;
  if (fault !== undefined) throw fault;
  return queries.flatMap((query, at) => {
    const decision = decisions[at];
    return decision === undefined ? [] : [{ query, decision }];
  });
}

async function explain(client: Client, queries: readonly Query[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const query of queries) {
    const explanation = await client.explain(query);
    answers.push({ query, decision: explanation.decision, explanation });
  }
  return answers;
}

/**
 * Asks, prints one answer per question and sets the exit code of the process: 0 where all are allowed, 2 where
 * one is denied.
 * @throws Fault where no decision was made
 */
export async function askAll(queries: readonly Query[], flags: CheckFlags): Promise<void> {
  const faults: Fault[] = [];
  const client = connect({ ...toConnectOptions(flags), onFault: (fault) => void faults.push(fault) });
  try {
    const answers = await (flags.explain === true ? explain(client, queries) : ask(client, queries, faults));
    const now = systemClock.now();
    const render = (each: Answer): string =>
      flags.json === true
        ? `${JSON.stringify(toJson(each))}\n`
        : renderDecision(each, now) +
          (each.explanation === undefined ? "" : renderExplanation(each.explanation, now));
    process.stdout.write(answers.map(render).join(flags.json === true ? "" : "\n"));
    process.exitCode = answers.every(({ decision }) => decision.allow) ? allowed : denied;
  } catch (thrown) {
    throw thrown instanceof Fault ? adviseOn(thrown, flags) : thrown;
  } finally {
    await client[Symbol.asyncDispose]();
  }
}
