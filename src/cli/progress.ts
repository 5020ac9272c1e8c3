/** A bar on standard error while something long runs; nothing where that is no terminal. */

const width = 30;
const everyMs = 100;

/** `[###...] 50 %`, for a share from 0 to 1. */
export function barOf(share: number): string {
  const known = Math.max(0, Math.min(1, share));
  return `[${"#".repeat(Math.round(known * width)).padEnd(width, ".")}] ${Math.floor(known * 100)} %`;
}

/** Shows how far it is. Call it often: it draws ten times a second at most; `done` takes the bar away. */
export class Progress {
  readonly #total: number;
  readonly #label: string;
  readonly #shown: boolean = process.stderr.isTTY === true;
  #drawnMs = 0;

  constructor(label: string, total: number) {
    this.#label = label;
    this.#total = Math.max(1, total);
  }

  /** `count` of the total are done. */
  at(count: number): void {
    // Looking at the clock costs more than most of what is counted.
    if (!this.#shown || count % 64 !== 0) return;
    const nowMs = performance.now();
    if (nowMs - this.#drawnMs < everyMs) return;
    this.#drawnMs = nowMs;
    process.stderr.write(`\r${this.#label} ${barOf(count / this.#total)}`);
  }

  done(): void {
    if (this.#shown && this.#drawnMs > 0)
      process.stderr.write(`\r${" ".repeat(this.#label.length + width + 10)}\r`);
  }
}
