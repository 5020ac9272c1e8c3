/** The candidate that is in the shadow, if any. */
import type { ShadowReport } from "../bundle/candidate.ts";
import type { Fault } from "../runtime/fault.ts";
import type { Loaded } from "./activation.ts";
import type { Comparison, Sample } from "./compare-policies.ts";
import { Shadow, type ShadowRules } from "./shadow.ts";
import type { PolicySnapshot } from "./snapshot.ts";

/** Where live questions come from and how they are compared. */
export interface ShadowSettings {
  readonly rules: ShadowRules;
  /** Hands every live question to `take`, until it is `undefined`. */
  listen(take: ((sample: Sample) => void) | undefined): void;
  /** Answers a sample by the policy in force and by `candidate`. */
  compare(sample: Sample, candidate: PolicySnapshot): Comparison;
  /** Compares elsewhere instead, where the questions are: in other processes. */
  readonly elsewhere?: (
    order: { readonly digest: string; readonly rules: ShadowRules },
    onVerdict: (fault: Fault | undefined) => void,
  ) => Comparing;
  /** A candidate was put away. */
  readonly dropped?: (digest: string) => void;
}

/** A comparison under way; it ends when it is disposed of. */
export interface Comparing extends Disposable {
  readonly report: ShadowReport;
}

/** A candidate in the shadow: its policy, and what came with it. */
export interface Held<T> {
  readonly loaded: Loaded;
  readonly with: T;
}

/** Holds one candidate at a time while it is compared. */
export class ShadowStage<T> {
  readonly #settings: ShadowSettings;
  readonly #monotonicMs: () => number;
  #now: { readonly held: Held<T>; readonly comparing: Comparing } | undefined;

  constructor(settings: ShadowSettings, monotonicMs: () => number) {
    this.#settings = settings;
    this.#monotonicMs = monotonicMs;
  }

  get held(): Held<T> | undefined {
    return this.#now?.held;
  }

  get report(): ShadowReport | undefined {
    return this.#now?.comparing.report;
  }

  /** Begins to compare, in the place of whatever was compared. */
  begin(held: Held<T>, onVerdict: (fault: Fault | undefined) => void): void {
    this.drop();
    const { elsewhere, rules } = this.#settings;
    const { digest } = held.loaded.bundle;
    if (elsewhere !== undefined) {
      this.#now = { held, comparing: elsewhere({ digest, rules }, onVerdict) };
      return;
    }
    const comparing = new Shadow({
      rules: this.#settings.rules,
      monotonicMs: this.#monotonicMs,
      compare: (sample) => this.#settings.compare(sample, held.loaded.snapshot),
      onVerdict,
    });
    this.#now = { held, comparing };
    this.#settings.listen(comparing.offer);
  }

  /** Ends the comparison and hands out the candidate, whose policy is the caller's from now on. */
  release(): { readonly held: Held<T>; readonly report: ShadowReport } | undefined {
    const now = this.#now;
    if (now === undefined) return undefined;
    this.#settings.listen(undefined);
    const { report } = now.comparing;
    now.comparing[Symbol.dispose]();
    this.#now = undefined;
    return { held: now.held, report };
  }

  /** Ends the comparison and puts the candidate's policy away. */
  drop(): ShadowReport | undefined {
    const released = this.release();
    if (released === undefined) return undefined;
    released.held.loaded[Symbol.dispose]();
    this.#settings.dropped?.(released.held.loaded.bundle.digest);
    return released.report;
  }
}
