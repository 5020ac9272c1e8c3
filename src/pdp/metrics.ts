/** What the PDP counts, for Prometheus: answers by kind and reason, the cache, the age of the facts. */

import type { Repeated, Tally } from "../log/compose-event.ts";
import type { Evaluation } from "../log/event.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Metric } from "../runtime/ports.ts";
import type { Recorder } from "./desk.ts";
import type { Pdp } from "./pdp.ts";

/** Counts evaluated decisions by kind and reason on their way to the log. Hits are counted by the cache. */
export class DecisionCounts implements Recorder {
  readonly #next: Recorder;
  readonly #byReason = new Map<string, number>();
  #evaluations = 0;
  #evaluationUs = 0;

  constructor(next: Recorder) {
    this.#next = next;
  }

  evaluated(evaluation: Evaluation): Tally | undefined {
    const key = `${evaluation.query.kind} ${evaluation.decision.reason}`;
    this.#byReason.set(key, (this.#byReason.get(key) ?? 0) + 1);
    if (evaluation.inputJson !== undefined) {
      this.#evaluations += 1;
      this.#evaluationUs += evaluation.evaluationUs;
    }
    return this.#next.evaluated(evaluation);
  }

  hit(answer: Repeated): void {
    this.#next.hit(answer);
  }

  metrics(): readonly Metric[] {
    return [
      {
        name: "sallyport_decisions_evaluated_total",
        help: "Decisions that were evaluated (not answered from the cache), by kind and reason.",
        type: "counter",
        read: () =>
          [...this.#byReason].map(([key, value]) => {
            const [kind = "", reason = ""] = key.split(" ");
            return { labels: { kind, reason }, value };
          }),
      },
      {
        name: "sallyport_policy_evaluations_total",
        help: "Evaluations of the policy.",
        type: "counter",
        read: () => [{ labels: {}, value: this.#evaluations }],
      },
      {
        name: "sallyport_policy_evaluation_seconds_total",
        help: "Time spent evaluating the policy.",
        type: "counter",
        read: () => [{ labels: {}, value: this.#evaluationUs / 1e6 }],
      },
    ];
  }
}

/** Numbers of the decision cache. */
export function cacheMetrics(pdp: Pdp, clock: Clock): readonly Metric[] {
  // Another bundle may bring another cache.
  const outcome = (name: string, value: number) => ({ labels: { outcome: name }, value });
  return [
    {
      name: "sallyport_cache_lookups_total",
      help: "Look-ups of answers by outcome; `expired` are misses that found an answer outside its guards.",
      type: "counter",
      read: () => [
        outcome("hit", pdp.cache.counters.hits),
        outcome("miss", pdp.cache.counters.misses - pdp.cache.counters.expired),
        outcome("expired", pdp.cache.counters.expired),
      ],
    },
    {
      name: "sallyport_cache_dropped_subjects_total",
      help: "Subjects dropped because something they rest on changed, or for want of room.",
      type: "counter",
      read: () => [
        { labels: { cause: "changed" }, value: pdp.cache.counters.invalidated },
        { labels: { cause: "room" }, value: pdp.cache.counters.evicted },
      ],
    },
    {
      name: "sallyport_cache_subjects",
      help: "Subjects held; `denied` were never allowed anything.",
      type: "gauge",
      read: () => [
        { labels: { standing: "allowed" }, value: pdp.cache.size.allowed },
        { labels: { standing: "denied" }, value: pdp.cache.size.denied },
      ],
    },
    {
      name: "sallyport_cache_oldest_subject_seconds",
      help: "Age of the subject that was not used for longest.",
      type: "gauge",
      across: "max",
      read: () => [{ labels: {}, value: pdp.cache.oldestAgeMs(clock.monotonicMs()) / 1000 }],
    },
  ];
}
