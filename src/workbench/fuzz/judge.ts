/** Asks one situation and says everything that is wrong with the answers. */

import type { InputSchema } from "../../pdp/projection.ts";
import { readVerdict } from "../../pdp/result.ts";
import type { Facts } from "../facts.ts";
import { mergePatch } from "../facts.ts";
import type { Sample } from "../fleet-questions.ts";
import type { HostAnswer, PolicyHost } from "../policy-host.ts";
import { placesIn } from "./arbitrary-facts.ts";
import type { Asked, Invariants } from "./invariants.ts";
import { putAt } from "./twist-facts.ts";

/** Something that must not be. */
export interface Violation {
  /** The sentence of the author, or one of {@link builtIn}. */
  readonly invariant: string;
  /** The harm that was done, or the fact that was taken away, before the answer that is wrong. */
  readonly change?: { readonly harm: string } | { readonly absent: string };
  /** The facts that were asked, and the answer to them. */
  readonly facts: Facts;
  readonly answer: HostAnswer;
}

/** What holds of every policy, stated or not. */
export const builtIn = {
  answer: "every question has one well-formed answer",
  harm: "a harm never turns a denial into an allow",
  absent: "an absent fact never turns a denial into an allow",
} as const;

/** Which of several harms and facts a situation tries. */
export interface Choice {
  readonly harm: number;
  readonly absent: number;
}

/** What became of a situation. */
export interface Judged {
  readonly answer: HostAnswer;
  readonly violations: readonly Violation[];
}

/** Asks situations of one policy. */
export class Judge {
  readonly #host: PolicyHost;
  readonly #invariants: Invariants;
  /** Facts by entrypoint without which the host refuses a question. */
  readonly #mandatory: ReadonlyMap<string, readonly string[]>;

  constructor(host: PolicyHost, schemas: Readonly<Record<string, unknown>>, invariants: Invariants) {
    this.#host = host;
    this.#invariants = invariants;
    this.#mandatory = new Map(
      Object.entries(schemas).map(([name, schema]) => [
        name,
        placesIn(schema as InputSchema)
          .filter(({ mandatory }) => mandatory)
          .map(({ path }) => path)
          // The deepest first: a part is missing only where all of it is.
          .sort((a, b) => b.split(".").length - a.split(".").length),
      ]),
    );
  }

  /** The answer, with the author's invariants and those that hold of every policy. */
  judge({ ask, facts }: Sample, choice: Choice): Judged {
    const answer = this.#host.decide(ask, facts);
    if (answer.input === undefined) return { answer, violations: [] };
    const asked = askedOf(ask, facts, answer);
    const violations: Violation[] = this.#invariants
      .violated(asked)
      .map((invariant) => ({ invariant, facts, answer }));
    if (answer.reason === "internal_error") violations.push({ invariant: builtIn.answer, facts, answer });
    violations.push(...this.#harmed(asked, answer, choice.harm));
    const paths = this.#mandatory.get(ask) ?? [];
    const absent = paths[choice.absent % paths.length];
    if (!answer.allow && absent !== undefined && this.#opensWithout(asked, answer.input, absent))
      violations.push({ invariant: builtIn.absent, change: { absent }, facts, answer });
    return { answer, violations };
  }

  /** Whether the policy alone, without the host that refuses such an input, allows where a fact is absent. */
  #opensWithout(asked: Asked, input: Facts, absent: string): boolean {
    const without = putAt(input, absent, undefined);
    if (without === input) return false;
    let result: unknown;
    try {
      result = this.#host.evaluate(asked.ask, without);
    } catch {
      return false; // an abort is the denial `internal_error`
    }
    return readVerdict(result)?.allow === true && !this.#invariants.excused({ ...asked, absent });
  }

  /** A situation with every harm and without every mandatory fact. */
  *judgeAll(sample: Sample): Generator<Violation> {
    const { answer, violations } = this.judge(sample, { harm: 0, absent: 0 });
    yield* violations;
    if (answer.input === undefined) return;
    const asked = askedOf(sample.ask, sample.facts, answer);
    const harms = Object.keys(this.#invariants.harms(asked)).length;
    for (let at = 1; at < harms; at++) yield* this.#harmed(asked, answer, at);
    if (answer.allow) return;
    for (const absent of this.#mandatory.get(sample.ask) ?? []) {
      if (this.#opensWithout(asked, answer.input, absent))
        yield { invariant: builtIn.absent, change: { absent }, facts: sample.facts, answer };
    }
  }

  /** What is wrong after one of the harms that the author names: each invariant is asked of that answer too. */
  #harmed(asked: Asked, answer: HostAnswer, choice: number): Violation[] {
    const harms = Object.entries(this.#invariants.harms(asked));
    const [harm, patch] = harms[choice % Math.max(1, harms.length)] ?? [];
    if (harm === undefined) return [];
    const facts = mergePatch(asked.facts, patch) as Facts;
    const after = this.#host.decide(asked.ask, facts);
    const change = { harm };
    const found = this.#invariants
      .violated(askedOf(asked.ask, facts, after))
      .map((invariant): Violation => ({ invariant, change, facts, answer: after }));
    const opened = !answer.allow && after.allow && !this.#invariants.excused({ ...asked, harm });
    return opened ? [...found, { invariant: builtIn.harm, change, facts: asked.facts, answer }] : found;
  }
}

/** A question with its answer, as invariants see them. */
function askedOf(ask: string, facts: Facts, answer: HostAnswer): Asked {
  const { allow, reason, findings, obligations } = answer;
  return { ask, facts, answer: { allow, reason, findings, obligations } };
}
