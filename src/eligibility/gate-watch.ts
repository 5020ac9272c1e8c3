/** A gate that failed once pauses its rollout until a person resumes it, whatever is measured afterwards. */
import type { Repeated, Tally } from "../log/compose-event.ts";
import type { Evaluation } from "../log/event.ts";
import type { Recorder } from "../pdp/desk.ts";
import type { FactsReader } from "../pdp/facts-reader.ts";

/** Parts of a {@link GateWatch}. */
export interface GateWatchParts {
  readonly facts: () => Pick<FactsReader, "release"> | undefined;
  /** Sets the pause; the answer does not wait for it. */
  readonly pause: (rollout: string, reason: string) => Promise<unknown>;
  readonly onFault: (fault: unknown) => void;
}

/** Looks at every recorded answer on its way to the log. */
export class GateWatch implements Recorder {
  readonly #next: Recorder;
  readonly #parts: GateWatchParts;
  readonly #pausing = new Set<string>();

  constructor(next: Recorder, parts: GateWatchParts) {
    this.#next = next;
    this.#parts = parts;
  }

  evaluated(evaluation: Evaluation): Tally | undefined {
    const { decision, query } = evaluation;
    if (query.kind === "ota" && decision.reason === "ota_gate_failed") this.failed(query.release);
    return this.#next.evaluated(evaluation);
  }

  hit(answer: Repeated): void {
    this.#next.hit(answer);
  }

  /** A gate of the rollout of this release failed. */
  failed(release: string): void {
    const rollout = this.#parts.facts()?.release(release)?.record?.rollout ?? "";
    if (rollout === "" || this.#pausing.has(rollout)) return;
    this.#pausing.add(rollout);
    this.#parts
      .pause(rollout, `a health gate failed while \`${release}\` was asked for`)
      .catch((thrown: unknown) => this.#parts.onFault(thrown))
      .finally(() => this.#pausing.delete(rollout));
  }
}
