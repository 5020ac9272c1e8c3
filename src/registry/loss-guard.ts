/** Snapshots that would delete or spoil much of their source wait until somebody says that it is meant. */
import { Fault } from "../runtime/fault.ts";

/** Sources with no more records than this may lose any share of them. */
const smallSource = 100;

/** What one source may lose. */
export class LossGuard {
  readonly #source: string;
  /** Records whose loss somebody has confirmed. */
  #confirmed = 0;
  /** Records that the refused snapshot would delete or spoil; `undefined`: none waits. */
  waiting: number | undefined;

  constructor(source: string) {
    this.#source = source;
  }

  /** Throws `snapshot_refused` where more than the share of all records would go, and nobody has confirmed as many. */
  check({ lost, total }: { readonly lost: number; readonly total: number }, maxLostShare: number): void {
    if (total <= smallSource || lost <= total * maxLostShare || lost <= this.#confirmed) return;
    this.waiting = lost;
    throw new Fault(
      "snapshot_refused",
      `the snapshot would delete or spoil ${lost} of ${total} records; confirm the deletions if that is meant`,
    );
  }

  /** Accepts what waits, and no greater loss. Throws `not_found` where nothing does. */
  confirm(): void {
    if (this.waiting === undefined)
      throw new Fault("not_found", `no snapshot of source \`${this.#source}\` waits to be confirmed`);
    this.#confirmed = this.waiting;
  }

  /** A snapshot is in force: the next loss is another one. */
  passed(): void {
    this.#confirmed = 0;
    this.waiting = undefined;
  }
}
