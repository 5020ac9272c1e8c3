/** A candidate answers a sample of live questions beside the bundle in force, off the hot path. */
import type { ShadowReport, ShadowRow } from "../bundle/candidate.ts";
import { Fault } from "../runtime/fault.ts";
import type { Comparison, Sample } from "./compare-policies.ts";

/** How much is compared, and what passes. */
export interface ShadowRules {
  /** Share of live questions that are compared, above 0, at most 1. */
  readonly sample: number;
  /** It lasts this long and until so many were compared. */
  readonly forMs: number;
  readonly minQueries: number;
  /** Greatest shares of what was compared. */
  readonly maxNewlyDenied: number;
  readonly maxNewlyAllowed: number;
  /** Whether it passes by itself or waits for a person. */
  readonly promote: "auto" | "manual";
}

/** Parts of a {@link Shadow}. */
export interface ShadowParts {
  readonly rules: ShadowRules;
  readonly monotonicMs: () => number;
  /** Answers a sample by both policies. */
  compare(sample: Sample): Comparison;
  /** Called once: it may pass, or the fault says why not. */
  onVerdict(fault: Fault | undefined): void;
}

/** Samples that may wait; more are dropped and counted. */
const queueMax = 512;
/** Time at once, and pause after it: at most a fifth of a core. */
const sliceMs = 1;
const pauseMs = 4;
/** Rows of differences that are told apart. */
const rowsMax = 500;

/** Compares until it is disposed of, also after its verdict. */
export class Shadow implements Disposable {
  readonly #parts: ShadowParts;
  readonly #startMs: number;
  readonly #queue: Sample[] = [];
  readonly #rows = new Map<string, ShadowRow>();
  readonly #end: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #credit = 0;
  #counts = { compared: 0, newlyDenied: 0, newlyAllowed: 0, otherReason: 0, dropped: 0 };
  #said = false;

  constructor(parts: ShadowParts) {
    this.#parts = parts;
    this.#startMs = parts.monotonicMs();
    this.#end = setInterval(() => this.#judge(), Math.max(10, Math.min(1000, parts.rules.forMs / 4))).unref();
  }

  /** Takes a live question, or lets it pass. Called on the hot path: it does no more than queue. */
  readonly offer = (sample: Sample): void => {
    this.#credit += this.#parts.rules.sample;
    if (this.#credit < 1) return;
    this.#credit -= 1;
    if (this.#queue.length >= queueMax) {
      this.#counts.dropped += 1;
      return;
    }
    this.#queue.push(sample);
    this.#timer ??= setTimeout(() => this.#work(), 0).unref();
  };

  /** What was found so far, the most frequent differences first. */
  get report(): ShadowReport {
    const rows = [...this.#rows.values()].sort((left, right) => right.count - left.count);
    return { ...this.#counts, rows };
  }

  #work(): void {
    const untilMs = this.#parts.monotonicMs() + sliceMs;
    do {
      const sample = this.#queue.shift();
      if (sample === undefined) break;
      this.#compare(sample);
    } while (this.#parts.monotonicMs() < untilMs);
    this.#timer = this.#queue.length === 0 ? undefined : setTimeout(() => this.#work(), pauseMs).unref();
    this.#judge();
  }

  #compare(sample: Sample): void {
    let found: Comparison;
    try {
      found = this.#parts.compare(sample);
    } catch (thrown) {
      this.#say(Fault.from(thrown, "bundle_unfit", "the bundle cannot answer a live question"));
      return;
    }
    const { inForce: now, candidate: other, kind, tenant, firmware, profile } = found;
    const counts = this.#counts;
    counts.compared += 1;
    if (now.allow === other.allow && now.reason === other.reason) return;
    if (now.allow && !other.allow) counts.newlyDenied += 1;
    else if (!now.allow && other.allow) counts.newlyAllowed += 1;
    else counts.otherReason += 1;
    const key = [kind, tenant, found.class, firmware, profile, now.reason, other.reason].join("\0");
    const row = this.#rows.get(key);
    if (row !== undefined) this.#rows.set(key, { ...row, count: row.count + 1 });
    else if (this.#rows.size < rowsMax) {
      const [reasonNow, reasonThen] = [now.reason, other.reason];
      this.#rows.set(key, {
        kind,
        tenant,
        class: found.class,
        firmware,
        profile,
        reasonNow,
        reasonThen,
        count: 1,
      });
    }
  }

  #judge(): void {
    const { rules, monotonicMs } = this.#parts;
    const verdict = judgeShadow(rules, this.#counts, monotonicMs() - this.#startMs);
    if (verdict !== "waits") this.#say(verdict === "passes" ? undefined : verdict);
  }

  #say(fault: Fault | undefined): void {
    if (this.#said) return;
    this.#said = true;
    this.#parts.onVerdict(fault);
  }

  [Symbol.dispose](): void {
    this.#said = true;
    clearInterval(this.#end);
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }
}

/** Whether what was found lets the candidate pass, stops it, or neither yet. */
export function judgeShadow(
  rules: ShadowRules,
  { compared, newlyAllowed, newlyDenied }: Pick<ShadowReport, "compared" | "newlyAllowed" | "newlyDenied">,
  elapsedMs: number,
): Fault | "passes" | "waits" {
  // A share of few is no share: the least number counts until it is reached.
  const of = Math.max(compared, rules.minQueries);
  if (newlyDenied > rules.maxNewlyDenied * of) return exceeded(newlyDenied, compared, "denies", "allows");
  if (newlyAllowed > rules.maxNewlyAllowed * of) return exceeded(newlyAllowed, compared, "allows", "denies");
  return rules.promote === "auto" && compared >= rules.minQueries && elapsedMs >= rules.forMs
    ? "passes"
    : "waits";
}

function exceeded(count: number, of: number, does: string, instead: string): Fault {
  return new Fault(
    "bundle_unfit",
    `the bundle ${does} ${count} of ${of} live questions that the one in force ${instead}: \`sallyport bundle status\` shows which`,
  );
}
