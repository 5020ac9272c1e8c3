/** Values of ASN.1 as Go's `crypto/x509` accepts and tells them. Each reader throws where Go refuses. */
import { isUtf8 } from "node:buffer";
import { type Element, malformed, readOid, tags } from "../../runtime/der.ts";

/** A whole number of any size in its shortest form. */
export function readInteger({ value }: Element): bigint {
  const [first, second = 0] = value;
  if (first === undefined) throw malformed();
  if (value.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
    throw malformed();
  return BigInt.asIntN(8 * value.length, BigInt(`0x${Buffer.from(value).toString("hex")}`));
}

/** A whole number that a double holds. */
export function readNumber(element: Element): number {
  const value = Number(readInteger(element));
  if (!Number.isSafeInteger(value)) throw malformed();
  return value;
}

/** `FALSE` or `TRUE`. */
export function readBoolean({ value }: Element): boolean {
  if (value.length !== 1 || (value[0] !== 0 && value[0] !== 0xff)) throw malformed();
  return value[0] === 0xff;
}

/** The bytes of a bit string and how many bits of the last one do not count. */
export function readBits({ value }: Element): { readonly bytes: Uint8Array; readonly unused: number } {
  const [unused, ...rest] = value;
  if (unused === undefined || unused > 7 || (rest.length === 0 && unused !== 0)) throw malformed();
  if (((rest.at(-1) ?? 0) & ((1 << unused) - 1)) !== 0) throw malformed();
  return { bytes: Uint8Array.from(rest), unused };
}

/** The bits of a bit string moved to the end of its bytes. */
export function readRightAligned(element: Element): Uint8Array {
  const { bytes, unused } = readBits(element);
  return bytes.map((byte, index) => (byte >> unused) | ((bytes[index - 1] ?? 0) << (8 - unused)));
}

/** The arcs of an object identifier; Go holds none beyond 31 bits. */
export function readArcs(element: Element): readonly number[] {
  const arcs = readOid(element).split(".").map(Number);
  if (arcs.some((arc) => arc >= 2 ** 31)) throw malformed();
  return arcs;
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** A text of ASCII. */
export function readAscii({ value }: Pick<Element, "value">): string {
  if (value.some((byte) => byte >= 0x80)) throw malformed();
  return latin1(value);
}

const fitting = (pattern: RegExp, text: string): string => {
  if (!pattern.test(text)) throw malformed();
  return text;
};

/** UCS-2 without what is no character, a terminator left away. */
function bmp(value: Uint8Array): string {
  if (value.length % 2 !== 0) throw malformed();
  const text = Buffer.from(value).swap16().toString("utf16le");
  return fitting(
    /^[^\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]*$/,
    text.endsWith("\0") ? text.slice(0, -1) : text,
  );
}

/** A text of a name. `*` and `&` in a PrintableString are common, and a T61String is read as Latin-1. */
export function readText({ tag, value }: Element): string {
  switch (tag) {
    case tags.utf8String:
      if (!isUtf8(value)) throw malformed();
      return Buffer.from(value).toString("utf8");
    case tags.printableString:
      return fitting(/^[A-Za-z0-9 '()+,\-./:=?*&]*$/, latin1(value));
    case tags.ia5String:
      return readAscii({ value });
    case tags.numericString:
      return fitting(/^[0-9 ]*$/, latin1(value));
    case tags.t61String:
      return latin1(value);
    case tags.bmpString:
      return bmp(value);
    default:
      throw malformed();
  }
}

/** A moment as RFC 3339 tells it, and in nanoseconds of Unix time. */
export interface Moment {
  readonly text: string;
  readonly ns: bigint;
}

const timeForms = {
  [tags.utcTime]: /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(Z|[+-]\d{4})$/,
  [tags.generalizedTime]: /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(Z|[+-]\d{4})$/,
} as const;

/** UTCTime (the seconds may be missing) or GeneralizedTime, with the zone that it names. */
export function readMoment({ tag, value }: Element): Moment {
  const form = timeForms[tag as keyof typeof timeForms];
  const found = form?.exec(latin1(value));
  if (found === null || found === undefined) throw malformed();
  const [, year = "", month, day, hour, minute, second = "00", zone = ""] = found;
  const full = year.length === 4 ? year : `${Number(year) >= 50 ? 19 : 20}${year}`;
  const wall = `${full}-${month}-${day}T${hour}:${minute}:${second}`;
  const shown = zone === "Z" ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const ms = Date.parse(`${wall}${shown}`);
  // INVARIANT: one moment has one spelling, so that the 30th of February and a zone of +0000 are refused.
  if (Number.isNaN(ms) || /^[+-]0000$/.test(zone)) throw malformed();
  if (new Date(Date.parse(`${wall}Z`)).toISOString().slice(0, 19) !== wall) throw malformed();
  return { text: `${wall}${shown}`, ns: BigInt(ms) * 1_000_000n };
}
