/** A candidate that is compared in every worker: what all of them found, and whether it may pass. */
import type { ShadowReport, ShadowRow } from "../bundle/candidate.ts";
import { judgeShadow, type ShadowRules } from "../pdp/shadow.ts";
import type { Comparing } from "../pdp/shadow-stage.ts";
import { Fault } from "../runtime/fault.ts";
import type { ShadowFound } from "./worker-calls.ts";
import type { WorkerPool } from "./worker-pool.ts";

const nothing: ShadowReport = {
  compared: 0,
  newlyDenied: 0,
  newlyAllowed: 0,
  otherReason: 0,
  dropped: 0,
  rows: [],
};
const rowsMax = 500;

/** Begins in every worker, and looks at what they found. What a worker had found when it ended is kept. */
export class ShadowOfAll implements Comparing {
  readonly #pool: WorkerPool;
  readonly #digest: string;
  readonly #rules: ShadowRules;
  readonly #onVerdict: (fault: Fault | undefined) => void;
  readonly #found = new Map<number, ShadowReport>();
  readonly #timer: NodeJS.Timeout;
  readonly #startMs: number = performance.now();
  #said = false;

  constructor(
    pool: WorkerPool,
    { digest, rules }: { readonly digest: string; readonly rules: ShadowRules },
    onVerdict: (fault: Fault | undefined) => void,
  ) {
    this.#pool = pool;
    this.#digest = digest;
    this.#rules = rules;
    this.#onVerdict = onVerdict;
    this.#timer = setInterval(
      () => void this.#look(),
      Math.max(100, Math.min(1000, rules.forMs / 4)),
    ).unref();
    void this.#look();
  }

  get report(): ShadowReport {
    return [...this.#found.values()].reduce(sum, nothing);
  }

  async #look(): Promise<void> {
    const order = { digest: this.#digest, rules: this.#rules };
    const found = await Promise.all(
      this.#pool.live.map(async ({ pid = 0, talk }): Promise<ShadowFound | undefined> => {
        const told = await talk?.ask("shadow", order, 1000).catch(() => undefined);
        if (told?.report !== undefined) this.#found.set(pid, told.report);
        return told;
      }),
    );
    if (this.#said) return;
    const broken = found.find((each) => each?.fault !== undefined)?.fault;
    if (broken !== undefined) this.#say(new Fault("bundle_unfit", broken));
    else {
      const verdict = judgeShadow(this.#rules, this.report, performance.now() - this.#startMs);
      if (verdict !== "waits") this.#say(verdict === "passes" ? undefined : verdict);
    }
  }

  #say(fault: Fault | undefined): void {
    this.#said = true;
    this.#onVerdict(fault);
  }

  [Symbol.dispose](): void {
    this.#said = true;
    clearInterval(this.#timer);
    void this.#pool.everyone("shadowEnd", this.#digest);
  }
}

function sum(left: ShadowReport, right: ShadowReport): ShadowReport {
  const rows = new Map<string, ShadowRow>();
  for (const row of [...left.rows, ...right.rows]) {
    const { count, ...what } = row;
    const key = JSON.stringify(Object.values(what));
    rows.set(key, { ...row, count: count + (rows.get(key)?.count ?? 0) });
  }
  return {
    compared: left.compared + right.compared,
    newlyDenied: left.newlyDenied + right.newlyDenied,
    newlyAllowed: left.newlyAllowed + right.newlyAllowed,
    otherReason: left.otherReason + right.otherReason,
    dropped: left.dropped + right.dropped,
    rows: [...rows.values()].sort((one, other) => other.count - one.count).slice(0, rowsMax),
  };
}
