/** Texts of records as UTF-8, one after the other with a newline behind each: what checksums are made of, and threads are sent. */

/** Bytes to begin with: most records have less than this much each, and batches are of a hundred. */
const perText = 1536;

/** Collects texts. */
export class RecordTexts {
  /** Where each text ends; the next one begins behind its newline. */
  readonly ends: number[] = [];
  #bytes: Buffer;
  #size = 0;

  /** `expected`: how many there will be. */
  constructor(expected: number) {
    this.#bytes = Buffer.allocUnsafeSlow(expected * perText);
  }

  add(text: string): void {
    const most = this.#size + text.length * 3 + 1;
    if (most > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(most * 2);
      this.#bytes.copy(larger, 0, 0, this.#size);
      this.#bytes = larger;
    }
    const end = this.#size + this.#bytes.write(text, this.#size, "utf8");
    this.ends.push(end);
    this.#bytes[end] = 0x0a;
    this.#size = end + 1;
  }

  /** All of them: a buffer of its own, which may be transferred. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }
}
