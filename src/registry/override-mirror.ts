/** Overrides as a process sees them that does not write them. */
import type { Override } from "../decision/override.ts";
import type { OverrideReader } from "./with-overrides.ts";

/** All that is in force on one target. */
export interface TargetState {
  readonly target: string;
  readonly overrides: readonly Override[];
  /** Time of the last loss of trust; 0: none. */
  readonly lostSince: number;
}

const none: readonly Override[] = [];

/** Holds what it was told last. Until then the store is missing, so that nothing is decided. */
export class OverrideMirror implements OverrideReader {
  readonly #of = new Map<string, readonly Override[]>();
  readonly #lost = new Map<string, number>();
  /** Seconds by which what other nodes have done is behind. */
  lag: () => number = () => 0;
  missing: string | undefined = "the overrides were not told yet";

  /** Replaces what is in force on one target. */
  take({ lostSince, overrides, target }: TargetState): void {
    if (overrides.length === 0) this.#of.delete(target);
    else this.#of.set(target, overrides);
    if (lostSince === 0) this.#lost.delete(target);
    else this.#lost.set(target, lostSince);
  }

  of(target: string): readonly Override[] {
    return this.#of.get(target) ?? none;
  }

  lostSince(target: string): number {
    return this.#lost.get(target) ?? 0;
  }

  get lagS(): number {
    return this.lag();
  }

  get idle(): boolean {
    return this.#of.size === 0 && this.#lost.size === 0;
  }
}
