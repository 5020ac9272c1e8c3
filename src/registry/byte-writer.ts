/** Bytes of a stored row, written one value after another; {@link ByteReader} reads them in the same order. */

/** Numbers up to this one are a byte of their own. */
export const largestByte = 0xf7;
/** What follows the byte: 16 bits, 32 bits, or a double. */
export const wide: { readonly u16: 0xf8; readonly u32: 0xf9; readonly f64: 0xfa } = {
  u16: 0xf8,
  u32: 0xf9,
  f64: 0xfa,
};
/** How a text is written; in the low two bits of its length. */
export const textKind: { readonly ascii: 0; readonly utf8: 1; readonly hex: 2 } = {
  ascii: 0,
  utf8: 1,
  hex: 2,
};
/** Shortest text that is looked at as hexadecimal. */
const shortestHex = 32;

const nibbles = Int8Array.from({ length: 256 }, (_, code) =>
  "0123456789abcdef".indexOf(String.fromCharCode(code)),
);

/** Writes into a buffer of its own, which grows and is used again. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(4096);
  #at = 0;

  /** Begins anew. */
  clear(): void {
    this.#at = 0;
  }

  /** What was written since {@link clear}; valid until the next write. */
  get view(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** How many bytes were written since {@link clear}. */
  get length(): number {
    return this.#at;
  }

  /** Forgets what was written after this many bytes. */
  backTo(length: number): void {
    this.#at = length;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  /** Any finite number; whole ones of unix time and less take at most five bytes. */
  number(value: number): void {
    this.#room(9);
    const bytes = this.#bytes;
    if (value >= 0 && value <= largestByte && Number.isInteger(value) && !Object.is(value, -0)) {
      bytes[this.#at++] = value;
    } else if (Number.isInteger(value) && value > 0 && value <= 0xffff) {
      bytes[this.#at++] = wide.u16;
      bytes[this.#at++] = value & 0xff;
      bytes[this.#at++] = value >>> 8;
    } else if (Number.isInteger(value) && value > 0 && value <= 0xffff_ffff) {
      bytes[this.#at++] = wide.u32;
      bytes[this.#at++] = value & 0xff;
      bytes[this.#at++] = (value >>> 8) & 0xff;
      bytes[this.#at++] = (value >>> 16) & 0xff;
      bytes[this.#at++] = value >>> 24;
    } else {
      bytes[this.#at++] = wide.f64;
      this.#at = bytes.writeDoubleLE(value, this.#at);
    }
  }

  text(value: string): void {
    const { length } = value;
    this.#room(9 + length * 3);
    const start = this.#at;
    if (length >= shortestHex && length % 2 === 0 && this.#hex(value)) return;
    this.#at = start;
    this.number((length << 2) | textKind.ascii);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) {
        this.#at = start;
        this.#utf8(value);
        return;
      }
      bytes[at++] = code;
    }
    this.#at = at;
  }

  /** A {@link text} of ASCII that stands in other bytes. */
  ascii(source: Uint8Array, from: number, length: number): void {
    this.#room(9 + length);
    const start = this.#at;
    if (length >= shortestHex && length % 2 === 0 && this.#hexOf(source, from, length)) return;
    this.#at = start;
    this.number((length << 2) | textKind.ascii);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let index = from; index < from + length; index++) bytes[at++] = source[index] as number;
    this.#at = at;
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  #utf8(value: string): void {
    this.number((Buffer.byteLength(value) << 2) | textKind.utf8);
    this.#at += this.#bytes.write(value, this.#at, "utf8");
  }

  /** Whether it is lower-case hexadecimal, and so was written in half its length. */
  #hex(value: string): boolean {
    this.number((value.length << 1) | textKind.hex);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let index = 0; index < value.length; index += 2) {
      const high = nibbles[value.charCodeAt(index)] ?? -1;
      const low = nibbles[value.charCodeAt(index + 1)] ?? -1;
      if (high < 0 || low < 0) return false;
      bytes[at++] = (high << 4) | low;
    }
    this.#at = at;
    return true;
  }

  #hexOf(source: Uint8Array, from: number, length: number): boolean {
    this.number((length << 1) | textKind.hex);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let index = from; index < from + length; index += 2) {
      const high = nibbles[source[index] as number] as number;
      const low = nibbles[source[index + 1] as number] as number;
      if (high < 0 || low < 0) return false;
      bytes[at++] = (high << 4) | low;
    }
    this.#at = at;
    return true;
  }

  #room(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe((this.#at + more) * 2);
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
