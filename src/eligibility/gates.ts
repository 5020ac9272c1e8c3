/** The gates of a bulk evaluation, compiled, each with what it said about the devices it was asked of. */
import type { TimeCut } from "../pdp/cuts.ts";
import type { Verdict } from "../pdp/result.ts";
import { Fault } from "../runtime/fault.ts";
import { type Bin, Bins } from "./bins.ts";
import type { Common, Scene } from "./scene.ts";

/** `true`: the gate passed. */
export type Said = Verdict | true;

/** One gate: the reasons it gives, and what it said by the bins of the facts it looks at. */
export class Gate {
  readonly reasons: ReadonlySet<string>;
  readonly #bins: readonly Bin[];
  readonly #said = new Map<number | string, Said>();
  /** Bins are the digits of a number; here is the base of each. */
  #bases: number[] = [];
  /** Digits that fit into one safe integer. */
  #perNumber = 0;

  constructor(reasons: ReadonlySet<string>, bins: readonly Bin[]) {
    this.reasons = reasons;
    this.#bins = bins;
    this.#layOut();
  }

  /** What it said of devices that look like this one. */
  find(scene: Scene): Said | undefined {
    return this.#said.get(this.#keyOf(scene));
  }

  /** Remembers what it said of this one; whether that is what it said of those that look like it. */
  learn(scene: Scene, said: Said): boolean {
    const key = this.#keyOf(scene);
    const before = this.#said.get(key);
    this.#said.set(key, said);
    return before === undefined || alike(before, said);
  }

  /** Combinations and values that it remembers. */
  get size(): number {
    return this.#bins.reduce((sum, bin) => (bin.grows ? sum + bin.count() : sum), this.#said.size);
  }

  #keyOf(scene: Scene): number | string {
    const bins = this.#bins;
    let key = 0;
    let before = "";
    for (let i = 0; i < bins.length; i++) {
      const digit = (bins[i] as Bin).of(scene);
      const base = this.#bases[i] as number;
      if (digit >= base) {
        this.#layOut();
        return this.#keyOf(scene);
      }
      if (i > 0 && i % this.#perNumber === 0) {
        before += `${key},`;
        key = 0;
      }
      key = key * base + digit;
    }
    return before === "" ? key : before + key;
  }

  /** Makes room for the values met so far, with some to spare; what was remembered under other bases is forgotten. */
  #layOut(): void {
    this.#said.clear();
    this.#bases = this.#bins.map(({ count, grows }) => (grows ? Math.max(count() * 4, 4) : count()));
    this.#perNumber = this.#bases.length;
    while (this.#perNumber > 1 && this.#largest() > Number.MAX_SAFE_INTEGER) this.#perNumber -= 1;
  }

  #largest(): number {
    let largest = 0;
    for (let from = 0; from < this.#bases.length; from += this.#perNumber)
      largest = Math.max(
        largest,
        this.#bases.slice(from, from + this.#perNumber).reduce((product, base) => product * base, 1),
      );
    return largest;
  }
}

/** Whether two answers say the same; what else was found is no part of eligibility. */
function alike(a: Said, b: Said): boolean {
  if (a === true || b === true) return a === b;
  return (
    a.reason === b.reason && JSON.stringify([a.fixed, a.relative]) === JSON.stringify([b.fixed, b.relative])
  );
}

/** Compiles the list that `sallyport/cuts` gives. Throws `bundle_invalid` where it is none. */
export function compileGates(listed: unknown, time: readonly TimeCut[], common: Common): readonly Gate[] {
  if (!Array.isArray(listed)) throw new Fault("bundle_invalid", "the cuts of `ota` list no gates");
  const bins = new Bins(time, common);
  return listed.map((gate: unknown) => {
    const { reasons, facts } = (gate ?? {}) as Record<string, unknown>;
    if (!Array.isArray(reasons) || !Array.isArray(facts))
      throw new Fault("bundle_invalid", "a gate of `ota` has no `reasons` or no `facts`");
    return new Gate(
      new Set(reasons as string[]),
      facts.map((fact) => bins.compile(fact)),
    );
  });
}
