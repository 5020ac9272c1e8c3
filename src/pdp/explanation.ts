/** Explanations: a decision with the facts it rests on and what bounds it. */
import type { Decision } from "../decision/decision.ts";
import type { Instant } from "./cuts.ts";
import type { Prepared } from "./prepare.ts";

/** A time fact that the answer depends on. */
export interface FactUsed {
  readonly path: string;
  readonly value: number;
  readonly age_s: number;
  /** Next moment at which it can change the answer; absent: never again. */
  readonly holds_until: number | undefined;
}

/** The cut that comes first. */
export interface Bound {
  readonly path: string;
  readonly offset_s: number;
  readonly at: number;
}

/** A record that was read. */
export interface RecordUsed {
  readonly key: string;
  readonly state: "found" | "absent" | "invalid";
  readonly revision: number;
  /** The source that owns it; empty: none is known. */
  readonly source: string;
  /** Seconds by which that source is behind; of what is absent, all of them. */
  readonly age_s: number;
  /** Groups of its facts that others have said. */
  readonly said: readonly GroupUsed[];
}

/** A group of facts of a record with the one who said it. */
export interface GroupUsed {
  readonly group: string;
  readonly origin: string;
  readonly source: string;
  readonly revision: number;
  readonly age_s: number;
  /** Unix seconds by the clock of who said it; 0: not said. */
  readonly told_at: number;
}

/** One question answered afresh, with its grounds. */
export interface Explanation {
  readonly decision: Decision;
  /** Whether the same question would have been answered from the cache. */
  readonly cached: boolean;
  readonly input_json: string;
  readonly facts: readonly FactUsed[];
  readonly bound: Bound | undefined;
  readonly records: readonly RecordUsed[];
  readonly summary: string;
}

/** The time facts among `instants`, each with the next moment that matters. */
export function factsUsed(instants: readonly Instant[], now: number): FactUsed[] {
  const byFact = new Map<string, FactUsed>();
  for (const { fact, value, at } of instants) {
    const key = `${fact}\u0000${value}`;
    const known = byFact.get(key);
    const next = at > now ? at : undefined;
    if (known === undefined) byFact.set(key, { path: fact, value, age_s: now - value, holds_until: next });
    else if (known.holds_until === undefined) byFact.set(key, { ...known, holds_until: next });
  }
  return [...byFact.values()];
}

/** What bounds `valid_until`: the first future cut, or the facts growing stale unheard. */
export function boundOf(prepared: Prepared | undefined, now: number, watermark: number): Bound | undefined {
  if (prepared === undefined) return undefined;
  const cut = prepared.instants.find((instant) => instant.at > now);
  const lagMark = prepared.lag.find((mark) => mark > now - watermark);
  const bounds: Bound[] = [];
  if (cut !== undefined) bounds.push({ path: cut.fact, offset_s: cut.offset, at: cut.at });
  if (lagMark !== undefined)
    bounds.push({ path: "registry.watermark", offset_s: lagMark, at: watermark + lagMark });
  return bounds.sort((a, b) => a.at - b.at)[0];
}

/** One line that a person can read. */
export function summarize(decision: Decision, bound: Bound | undefined, detail: string | undefined): string {
  const verdict = decision.allow ? "allowed" : "denied";
  const also = decision.findings.length === 0 ? "" : `; also found: ${decision.findings.join(", ")}`;
  const until = bound === undefined ? "" : `; holds until ${bound.at} (${bound.path} + ${bound.offset_s} s)`;
  const why = detail === undefined ? "" : ` (${detail})`;
  return `${verdict}: ${decision.reason}${why}${also}${until}`;
}
