/** Looks for situations in which a policy does what it never should: generated, judged, and shrunk to the least. */
import fc from "fast-check";
import { Fault } from "../../runtime/fault.ts";
import { canonical } from "../canonical.ts";
import type { Facts } from "../facts.ts";
import type { Sample } from "../fleet-questions.ts";
import type { PolicyHost } from "../policy-host.ts";
import type { Twist } from "./arbitrary-facts.ts";
import type { Invariants } from "./invariants.ts";
import { Judge, type Violation } from "./judge.ts";
import { type Draft, draftsOf, type Ground, sampleOfDraft } from "./situations.ts";
import { settledTwists } from "./twist-facts.ts";

/** What is fuzzed, and how long. */
export interface FuzzOptions extends Ground {
  readonly host: PolicyHost;
  readonly invariants: Invariants;
  readonly runs: number;
  readonly seed: number;
  /** Told after each situation. */
  readonly asked?: (count: number) => void;
}

/** The least situation found that violates an invariant. */
export interface Counterexample extends Omit<Violation, "answer"> {
  /** Place of the sentence; absent for what holds of every policy. */
  readonly file: string | undefined;
  readonly row: number | undefined;
  /** The case or device it starts from. */
  readonly from: string;
  readonly ask: string;
  /** What is changed of it, in order; a value that is absent takes the fact away. */
  readonly twists: readonly Twist[];
  readonly allow: boolean;
  readonly reason: string;
  readonly findings: readonly string[];
  readonly detail: string | undefined;
}

/** What fuzzing found. */
export interface FuzzReport {
  readonly seed: number;
  readonly runs: number;
  readonly bases: number;
  /** Situations that reached the policy, by entrypoint. */
  readonly asked: Readonly<Record<string, { readonly allowed: number; readonly denied: number }>>;
  /** Situations that the service refuses before it asks the policy. */
  readonly refused: number;
  /** How many reason codes were given. */
  readonly reasons: number;
  readonly counterexamples: readonly Counterexample[];
}

/** Situations that are tried whole before anything is generated. */
const maxPlain = 500;

/** Fuzzes. The same options give the same report. @throws Fault `request_invalid` where there is nothing to start from */
export function fuzzPolicy(options: FuzzOptions): FuzzReport {
  const { bases, invariants, seed, runs } = options;
  if (bases.length === 0)
    throw new Fault(
      "request_invalid",
      "there is no situation to start from: write decision tables, or give --fleet",
    );
  const judge = new Judge(options.host, options.schemas, invariants);
  const draft = draftsOf(options);
  const sampleOf = (one: Draft): Sample => sampleOfDraft(bases, one);
  const tally = new Tally();
  const found = plain(judge, bases, invariants);
  const known = new Set(found.map(({ invariant }) => invariant));
  for (;;) {
    let target: string | undefined;
    const details = fc.check(
      fc.property(draft, (one) => {
        const sample = sampleOf(one);
        const judged = judge.judge(sample, one.choice);
        if (known.size === 0 || target === undefined) tally.count(sample.ask, judged.answer, options.asked);
        const [fresh] = judged.violations.filter(({ invariant }) =>
          target === undefined ? !known.has(invariant) : invariant === target,
        );
        target ??= fresh?.invariant;
        return fresh === undefined;
      }),
      { seed, numRuns: runs, maxSkipsPerRun: 0 },
    );
    const [least] = details.counterexample ?? [];
    if (!details.failed) break;
    if (least === undefined || target === undefined)
      throw new Fault("internal", "fuzzing stopped without a counterexample", {
        cause: details.errorInstance,
      });
    const invariant = target;
    const violates = (one: Draft): Violation | undefined =>
      judge.judge(sampleOf(one), one.choice).violations.find((each) => each.invariant === invariant);
    const smallest = leastOf(least, violates);
    const twists = settledTwists((bases[smallest.subject] as Sample).facts, smallest.twists);
    found.push(wording(violates(smallest) as Violation, sampleOf(smallest), twists, invariants));
    known.add(invariant);
    tally.clear();
  }
  return {
    seed,
    runs,
    bases: bases.length,
    asked: tally.asked,
    refused: tally.refused,
    reasons: tally.reasons.size,
    counterexamples: found,
  };
}

/** Each situation as it stands, with each harm and without each mandatory fact: the first violation of each kind. */
function plain(judge: Judge, bases: readonly Sample[], invariants: Invariants): Counterexample[] {
  const found = new Map<string, Counterexample>();
  for (const sample of bases.slice(0, maxPlain)) {
    for (const violation of judge.judgeAll(sample)) {
      if (!found.has(violation.invariant))
        found.set(violation.invariant, wording(violation, sample, [], invariants));
    }
  }
  return [...found.values()];
}

/** What can be left out, left out: fast-check shrinks lists from one end only. */
function leastOf(one: Draft, violates: (one: Draft) => Violation | undefined): Draft {
  let least = one;
  const without: Draft = { ...least, question: null };
  if (least.question !== null && violates(without) !== undefined) least = without;
  for (let at = 0; at < least.twists.length; ) {
    const shorter = { ...least, twists: least.twists.toSpliced(at, 1) };
    if (violates(shorter) === undefined) at++;
    else least = shorter;
  }
  return least;
}

function wording(
  { invariant, change, facts, answer }: Violation,
  { from, ask }: Sample,
  twists: readonly Twist[],
  { statements }: Invariants,
): Counterexample {
  const stated = statements.find(({ text }) => text === invariant);
  const { allow, reason, findings, detail } = answer;
  return {
    invariant,
    ...(change === undefined ? {} : { change }),
    file: stated?.file,
    row: stated?.row,
    from,
    ask,
    twists,
    allow,
    reason,
    findings,
    detail,
    facts: JSON.parse(canonical(facts)) as Facts,
  };
}

class Tally {
  readonly reasons: Set<string> = new Set();
  asked: Record<string, { allowed: number; denied: number }> = {};
  refused = 0;
  #count = 0;

  count(
    ask: string,
    answer: { readonly allow: boolean; readonly reason: string; readonly input: unknown },
    asked: ((count: number) => void) | undefined,
  ): void {
    asked?.(++this.#count);
    this.reasons.add(answer.reason);
    if (answer.input === undefined) {
      this.refused++;
      return;
    }
    const of = (this.asked[ask] ??= { allowed: 0, denied: 0 });
    if (answer.allow) of.allowed++;
    else of.denied++;
  }

  clear(): void {
    this.reasons.clear();
    this.asked = {};
    this.refused = 0;
    this.#count = 0;
  }
}
