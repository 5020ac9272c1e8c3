/** How long a policy takes, entrypoint by entrypoint, beside an empty policy on the same inputs. */
import type { Policy } from "../../engine/policy.ts";
import { Fault } from "../../runtime/fault.ts";

/** One input as the policy sees it. */
export interface BenchInput {
  /** Entrypoint without `sallyport/`. */
  readonly ask: string;
  readonly json: string;
}

/** Times of one entrypoint, in microseconds. */
export interface EntrypointTimes {
  readonly ask: string;
  readonly inputs: number;
  /** Mean size of an input, bytes. */
  readonly inputBytes: number;
  readonly evaluations: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** The median of an empty policy on the same inputs. */
  readonly emptyP50Us: number;
  /** p50 by that of the empty policy: how much the rules cost beside reading the input. */
  readonly ratio: number;
}

/** What is measured, and how long. */
export interface BenchOptions {
  readonly policy: Policy;
  /** A module with one constant entrypoint. */
  readonly empty: Policy;
  readonly emptyEntrypoint: string;
  readonly inputs: readonly BenchInput[];
  /** Time for each entrypoint. */
  readonly seconds: number;
  readonly nowMs: () => number;
}

/** Evaluations before anything is measured: V8 compiles what is hot. */
const warmUp = 300;

/** Measures every entrypoint that has inputs. The two policies take turns, so that a busy machine slows both. */
export function benchPolicy(options: BenchOptions): readonly EntrypointTimes[] {
  const { policy, empty, emptyEntrypoint, inputs, seconds, nowMs } = options;
  const asks = [...new Set(inputs.map(({ ask }) => ask))].sort();
  if (asks.length === 0)
    throw new Fault("request_invalid", "there is nothing to ask: write decision tables, or give --fleet");
  return asks.map((ask): EntrypointTimes => {
    const texts = inputs.filter((input) => input.ask === ask).map(({ json }) => json);
    const [full, none]: [number[], number[]] = [[], []];
    const timed = (of: Policy, entrypoint: string, text: string): number => {
      const startedMs = nowMs();
      of.evaluate(entrypoint, text);
      return (nowMs() - startedMs) * 1000;
    };
    const turn = (at: number): [number, number] => {
      const text = texts[at % texts.length] as string;
      return [timed(policy, `sallyport/${ask}`, text), timed(empty, emptyEntrypoint, text)];
    };
    for (let at = 0; at < warmUp; at++) turn(at);
    const endMs = nowMs() + seconds * 1000;
    for (let at = 0; at < texts.length || nowMs() < endMs; at++) {
      const [us, emptyUs] = turn(at);
      full.push(us);
      none.push(emptyUs);
    }
    const [p50Us, emptyP50Us] = [quantile(full, 0.5), quantile(none, 0.5)];
    return {
      ask,
      inputs: texts.length,
      inputBytes: Math.round(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / texts.length),
      evaluations: full.length,
      p50Us,
      p99Us: quantile(full, 0.99),
      emptyP50Us,
      ratio: p50Us / emptyP50Us,
    };
  });
}

/** The value below which that share lies: the next measured one above. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
