/** Reads what {@link ByteWriter} has written. */
import { textKind, wide } from "./byte-writer.ts";

/** Longest name that is remembered. */
const longestName = 96;
const slots = 4096;

const digits = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

interface Remembered {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/**
 * Names that stand in many rows are made once: to compare a few bytes costs less than to make a string. A name that
 * falls on the place of another takes it.
 */
const remembered: (Remembered | undefined)[] = Array.from({ length: slots });

/** Reads one row. Throws `RangeError` where it ends too soon. */
export class ByteReader {
  #bytes: Buffer;
  #at: number;
  #end: number;

  constructor(bytes: Buffer, at = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** Goes on in other bytes, so that one reader may serve many rows. */
  over(bytes: Buffer, at: number, end: number): this {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    return this;
  }

  /** Where the next value begins. */
  get at(): number {
    return this.#at;
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  number(): number {
    const bytes = this.#bytes;
    const first = this.byte();
    if (first < wide.u16) return first;
    if (first === wide.u16) {
      const at = this.#take(2);
      return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    }
    if (first === wide.u32) {
      const at = this.#take(4);
      return (
        ((bytes[at] as number) |
          ((bytes[at + 1] as number) << 8) |
          ((bytes[at + 2] as number) << 16) |
          ((bytes[at + 3] as number) << 24)) >>>
        0
      );
    }
    if (first !== wide.f64) throw new RangeError("the row is damaged");
    return bytes.readDoubleLE(this.#take(8));
  }

  /** A text of which there are as many as rows. */
  text(): string {
    const head = this.number();
    const length = head >>> 2;
    const at = this.#take(length);
    return this.#string(head & 3, at, at + length);
  }

  /** A text that stands in many rows. */
  name(): string {
    const head = this.number();
    const length = head >>> 2;
    const at = this.#take(length);
    if (length === 0) return "";
    if ((head & 3) !== textKind.ascii || length > longestName) return this.#string(head & 3, at, at + length);
    const bytes = this.#bytes;
    let hash = length;
    for (let index = at; index < at + length; index++)
      hash = Math.imul(hash ^ (bytes[index] as number), 0x0100_0193);
    const slot = (hash ^ (hash >>> 15)) & (slots - 1);
    const known = remembered[slot];
    if (known !== undefined && this.#is(known.bytes, at, length)) return known.name;
    const name = bytes.toString("latin1", at, at + length);
    remembered[slot] = { bytes: Uint8Array.prototype.slice.call(bytes, at, at + length), name };
    return name;
  }

  /** Passes over a text. */
  skip(): void {
    this.#take(this.number() >>> 2);
  }

  /** Passes over a text, and tells whether it is what follows `from` in `text`. */
  same(text: string, from: number): boolean {
    const head = this.number();
    const length = head >>> 2;
    const at = this.#take(length);
    const kind = head & 3;
    if (kind === textKind.utf8) return this.#string(kind, at, at + length) === text.slice(from);
    const bytes = this.#bytes;
    if (kind === textKind.ascii) {
      if (text.length - from !== length) return false;
      for (let index = 0; index < length; index++)
        if (text.charCodeAt(from + index) !== bytes[at + index]) return false;
      return true;
    }
    if (text.length - from !== length * 2) return false;
    for (let index = 0; index < length; index++) {
      const byte = bytes[at + index] as number;
      const place = from + index * 2;
      if (text.charCodeAt(place) !== digits[byte >>> 4] || text.charCodeAt(place + 1) !== digits[byte & 15])
        return false;
    }
    return true;
  }

  #is(bytes: Uint8Array, at: number, length: number): boolean {
    if (bytes.length !== length) return false;
    for (let index = 0; index < length; index++) if (bytes[index] !== this.#bytes[at + index]) return false;
    return true;
  }

  #string(kind: number, start: number, end: number): string {
    if (kind === textKind.ascii) return this.#bytes.toString("latin1", start, end);
    return kind === textKind.hex
      ? this.#bytes.toString("hex", start, end)
      : this.#bytes.toString("utf8", start, end);
  }

  #take(length: number): number {
    const at = this.#at;
    this.#at = at + length;
    if (this.#at > this.#end) throw new RangeError("the row ends too soon");
    return at;
  }
}
