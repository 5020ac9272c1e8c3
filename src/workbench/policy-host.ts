/** Asks a policy as the service does: the same engine, projection, check of the result and rendering. */

import type { Bundle } from "../bundle/bundle.ts";
import type { Obligations } from "../decision/obligations.ts";
import { hostVerdict, readVerdict, renderObligations } from "../pdp/result.ts";
import type { CompiledPolicy } from "../pdp/snapshot.ts";
import { Fault } from "../runtime/fault.ts";
import { canonical } from "./canonical.ts";
import type { Facts } from "./facts.ts";
import { proveBundle } from "./prove-bundle.ts";
import { isReplay, type Question, Questions } from "./question.ts";
import { resultFault } from "./result-fault.ts";

/** An answer with what an author wants to know of it. */
export interface HostAnswer {
  readonly allow: boolean;
  readonly reason: string;
  readonly findings: readonly string[];
  readonly obligations: Obligations;
  /** The input that the policy saw; absent where the service denied before it. */
  readonly input: Facts | undefined;
  /** What the policy returned. */
  readonly result: unknown;
  /** Why the host denied, or why the result is none. */
  readonly detail: string | undefined;
}

/** One bundle, ready to be asked with whole fact sets. */
export class PolicyHost {
  readonly #policy: CompiledPolicy;
  readonly #questions: ReadonlyMap<string, Questions>;
  readonly #schemas: ReadonlyMap<string, string>;

  /** @throws Fault `policy_invalid` for a schema that the service would refuse */
  constructor(policy: CompiledPolicy, schemas: Readonly<Record<string, unknown>>) {
    this.#policy = policy;
    this.#questions = new Map(
      Object.entries(schemas).map(([name, schema]) => [name, new Questions(name, schema)]),
    );
    this.#schemas = new Map(Object.entries(schemas).map(([name, schema]) => [name, canonical(schema)]));
  }

  /** Whether another policy is given the same input for the same facts. */
  asksAlike(other: PolicyHost, entrypoint: string): boolean {
    const own = this.#schemas.get(entrypoint);
    return own !== undefined && own === other.#schemas.get(entrypoint);
  }

  /** A host for a bundle that may come from anywhere. @throws Fault `bundle_invalid` */
  static of(bundle: Bundle): PolicyHost {
    return new PolicyHost(proveBundle(bundle).policy, bundle.schemas);
  }

  /** Entrypoints that can be asked, without `sallyport/`. */
  get entrypoints(): readonly string[] {
    return [...this.#questions.keys()];
  }

  /** The input for an entrypoint, or the denial before it. @throws Fault `not_found` */
  question(entrypoint: string, facts: Facts): Question {
    const questions = this.#questions.get(entrypoint);
    if (questions !== undefined) return questions.ask(facts);
    const known = this.entrypoints.join(", ");
    throw new Fault(
      "not_found",
      `there is no entrypoint \`${entrypoint}\` with a schema; there are ${known}`,
    );
  }

  /** What the policy returns for an input, unchecked. @throws Fault `policy_trap`, `input_invalid` */
  evaluate(entrypoint: string, input: Facts): unknown {
    return this.evaluateText(entrypoint, JSON.stringify(input));
  }

  /** As {@link evaluate}, for an input that is text already. */
  evaluateText(entrypoint: string, json: string): unknown {
    return this.#policy.evaluate(`sallyport/${entrypoint}`, json);
  }

  /** The answer that the service would give. Total: a fault is the denial `internal_error` with its detail. */
  decide(entrypoint: string, facts: Facts): HostAnswer {
    const question = this.question(entrypoint, facts);
    const now = typeof facts["now"] === "number" ? facts["now"] : 0;
    if (question.input === undefined) {
      const verdict = hostVerdict(question.reason);
      return {
        ...verdict,
        obligations: verdict.fixed,
        input: undefined,
        result: undefined,
        detail: question.detail,
      };
    }
    const { input } = question;
    let result: unknown;
    let detail: string | undefined;
    try {
      result = this.evaluate(entrypoint, input);
      detail = resultFault(entrypoint, result);
    } catch (thrown) {
      detail = Fault.from(thrown, "policy_trap", "the policy aborted").message;
    }
    const verdict = detail === undefined ? readVerdict(result) : undefined;
    if (verdict === undefined) {
      const { allow, reason, findings, fixed } = hostVerdict("internal_error", { alert: "policy_fault" });
      return { allow, reason, findings, obligations: fixed, input, result, detail };
    }
    const { allow, reason, findings } = verdict;
    if (isReplay(entrypoint, facts, allow, reason)) {
      const replayed = hostVerdict("message_replayed", { alert: "message_replayed" });
      return {
        ...replayed,
        obligations: replayed.fixed,
        input,
        result,
        detail: "the host saw the number before",
      };
    }
    return { allow, reason, findings, obligations: renderObligations(verdict, now), input, result, detail };
  }
}
