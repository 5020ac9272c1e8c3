/** A strict reader of DER (X.690, 10): definite, minimal lengths, one-byte tags, nothing left over. */
import { Fault } from "./fault.ts";

/** Tags that certificates are made of. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element. `whole` includes its tag and length, `value` does not; both share the bytes they were read from. */
export interface Element {
  readonly tag: number;
  readonly whole: Uint8Array;
  readonly value: Uint8Array;
}

/** What every malformed certificate becomes. */
export function malformed(): Fault {
  return new Fault("proof_invalid", "a certificate is not well-formed DER");
}

/** Reads the elements of `bytes` one after the other. Throws `proof_invalid`. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next element, which must have `tag` where one is given. */
  next(tag?: number): Element {
    const bytes = this.#bytes;
    const start = this.#at;
    const found = bytes[start];
    const first = bytes[start + 1];
    if (found === undefined || first === undefined || (found & 0x1f) === 0x1f) throw malformed();
    if (tag !== undefined && found !== tag) throw malformed();
    let from = start + 2;
    let length = first;
    if (first >= 0x80) {
      const count = first & 0x7f;
      if (count === 0 || count > 3) throw malformed();
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[from + i] ?? 0);
      if (length < 0x80 || length < 256 ** (count - 1)) throw malformed();
      from += count;
    }
    const to = from + length;
    if (to > bytes.length) throw malformed();
    this.#at = to;
    return { tag: found, whole: bytes.subarray(start, to), value: bytes.subarray(from, to) };
  }

  /** The next element if it has `tag`. */
  optional(tag: number): Element | undefined {
    return this.#bytes[this.#at] === tag ? this.next(tag) : undefined;
  }

  /** The rest, element by element. */
  all(tag?: number): Element[] {
    const elements: Element[] = [];
    while (!this.done) elements.push(this.next(tag));
    return elements;
  }

  /** Ends the reading: nothing may be left. */
  end(): void {
    if (!this.done) throw malformed();
  }
}

/** The single element of `bytes`. */
export function readOnly(bytes: Uint8Array, tag: number): Element {
  const reader = new DerReader(bytes);
  const element = reader.next(tag);
  reader.end();
  return element;
}

/** An object identifier in dotted form. */
export function readOid({ value }: Element): string {
  if (value.length === 0 || ((value[value.length - 1] ?? 0x80) & 0x80) !== 0) throw malformed();
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of value) {
    if (arc === 0n && byte === 0x80) throw malformed();
    arc = arc * 128n + BigInt(byte & 0x7f);
    if ((byte & 0x80) === 0) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  const [head = 0n, ...rest] = arcs;
  const top = head < 40n ? 0n : head < 80n ? 1n : 2n;
  return [top, head - top * 40n, ...rest].join(".");
}

/** UTCTime or GeneralizedTime as RFC 5280, 4.1.2.5 allows them, in unix seconds. */
export function readTime({ tag, value }: Element): number {
  const text = Buffer.from(value).toString("latin1");
  const [, year = "", month, day, hour, minute, second] =
    (tag === tags.utcTime
      ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
      : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
    ).exec(text) ?? [];
  const full = year.length === 4 ? Number(year) : Number(year) + (Number(year) >= 50 ? 1900 : 2000);
  const ms = Date.parse(`${String(full).padStart(4, "0")}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (year === "" || Number.isNaN(ms)) throw malformed();
  return ms / 1000;
}

/** A non-negative integer below 2^31. */
export function readSmallInteger({ value }: Element): number {
  const first = value[0];
  if (first === undefined || first >= 0x80 || value.length > 4) throw malformed();
  return value.reduce((sum, byte) => sum * 256 + byte, 0);
}
