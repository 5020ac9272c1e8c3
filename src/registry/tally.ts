/** Counts records by kind and state. */
import type { RecordKey } from "../decision/facts.ts";
import { type AnyRecord, kindOf } from "./stored-record.ts";
import { lifecycleIn } from "./stored-row.ts";

/** Records by kind, and by lifecycle (devices), status (tenants) or `in_force`; `invalid` in each. */
export type Counts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** What is counted: by its record alone. */
interface Counted {
  readonly record?: AnyRecord | undefined;
}

/** A count that can be corrected. */
export class Tally {
  readonly #counts: Record<string, Record<string, number>>;

  /** Counts on from `before`. */
  constructor(before: Counts = {}) {
    this.#counts = structuredClone(before) as Record<string, Record<string, number>>;
  }

  /** Counts a value, or an entry; `undefined`, as what is invalid. */
  add(key: RecordKey, value: Counted | undefined, by: 1 | -1 = 1): void {
    const kind = (this.#counts[kindOf(key)] ??= {});
    const state = lifecycleIn(value) ?? stateOf(value?.record);
    kind[state] = (kind[state] ?? 0) + by;
    if (kind[state] === 0) delete kind[state];
  }

  counts(): Counts {
    return structuredClone(this.#counts);
  }
}

/** Whether there are reports in `counts`, and whether there are other records. */
export function holdsOf(counts: Counts): { readonly reports: boolean; readonly records: boolean } {
  let [reports, records] = [false, false];
  for (const kind in counts)
    for (const state in counts[kind])
      if ((counts[kind][state] ?? 0) > 0) {
        if (kind === "report") reports = true;
        else records = true;
      }
  return { reports, records };
}

/** All records of `counts`. */
export function totalOf(counts: Counts): number {
  let total = 0;
  for (const kind of Object.values(counts)) for (const count of Object.values(kind)) total += count;
  return total;
}

/** The sum of several counts. */
export function sumOf(all: readonly Counts[]): Counts {
  const sum: Record<string, Record<string, number>> = {};
  for (const counts of all)
    for (const [kind, states] of Object.entries(counts))
      for (const [state, count] of Object.entries(states)) {
        const into = (sum[kind] ??= {});
        into[state] = (into[state] ?? 0) + count;
      }
  return sum;
}

function stateOf(record: AnyRecord | undefined): string {
  if (record === undefined) return "invalid";
  if ("rings" in record) return record.state;
  if ("state" in record) return record.state.lifecycle;
  return "status" in record ? record.status : "in_force";
}
