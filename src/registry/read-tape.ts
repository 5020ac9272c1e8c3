/**
 * Reads the JSON of a record onto a tape of numbers, and checks it on the way: no object is made, which is most of what
 * reading costs. What it reads is what `JSON.parse` and the schema say; of what is not plain (escapes, other characters than
 * ASCII, fractions, unknown or repeated names, anything wrong) it says only that it is not, and another has to look.
 */
import { is, type Literal, literal, type Place } from "./text-plan.ts";

/** In the cell of what is not there. */
export const absent = -1e300;
/** In the cell of a `null`. */
export const nil = -2e300;
/** A text's cell: where it begins in its record, and in the lowest bits its length. Both fit into 31 bits. */
const lengthBits = 11;
const longest = 2 ** lengthBits - 1;
const longestRecord = 2 ** (31 - lengthBits) - 1;
/** Digits that any number may have and be exact. */
const mostDigits = 15;
/** Keys of a map that are compared one by one. */
const mostKeys = 16;

const notPlain = new Error("the text is not plain");

/**
 * The tape. A text is where it stands, a word its number, a flag 0 or 1; a shape is where the cells of its members begin;
 * of a list or map the cell says where its length stands, and behind that where its first item is: an item is where the next
 * one is, its key, and its value.
 */
export class Tape {
  /** What was read. */
  bytes: Uint8Array = new Uint8Array(0);
  cells: Float64Array = new Float64Array(4096);
  #view = new DataView(this.bytes.buffer);
  #size = 0;
  #top = 0;
  #from = 0;
  #at = 0;

  /** Reads what stands from `from` to `end`; the cell of the whole, or `undefined`: it is not plain, or wrong. */
  read(plan: Place, bytes: Uint8Array, from: number, end: number): number | undefined {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.#size = bytes.length;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#from = from;
    this.#at = from;
    this.#top = 0;
    if (end - from > longestRecord) return undefined;
    try {
      const cell = this.#value(plan);
      return this.#at === end ? cell : undefined;
    } catch (thrown) {
      if (thrown === notPlain) return undefined;
      throw thrown;
    }
  }

  /** Where the text of a cell begins. */
  start(cell: number): number {
    return this.#from + (cell >>> lengthBits);
  }

  /** How long it is. */
  length(cell: number): number {
    return cell & longest;
  }

  #value(place: Place): number {
    switch (place.what) {
      case is.text:
        return this.#text(place);
      case is.word:
        return this.#word(place.words);
      case is.flag:
        return this.#flag();
      case is.whole:
        return place.nullable && this.#null() ? nil : this.#whole(place);
      case is.shape:
        return place.nullable && this.#null() ? nil : this.#shape(place);
      case is.list:
        return this.#list(place, place.each as Place);
      default:
        return this.#map(place, place.key as Place, place.each as Place);
    }
  }

  #text(place: Place): number {
    const { bytes } = this;
    const start = this.#at + 1;
    if (bytes[this.#at] !== 0x22) throw notPlain;
    const { rest } = place;
    let at = start;
    // What is behind the end of the record is no part of a text: the newline there is no character of any.
    while (rest[bytes[at] as number] === 1) at++;
    const length = at - start;
    if (bytes[at] !== 0x22 || length < place.least || length > place.most || length > longest) throw notPlain;
    if (length > 0 && place.first[bytes[start] as number] !== 1) throw notPlain;
    this.#at = at + 1;
    return ((start - this.#from) << lengthBits) | length;
  }

  #word(words: readonly Literal[]): number {
    const { bytes } = this;
    if (bytes[this.#at] !== 0x22) throw notPlain;
    const start = this.#at + 1;
    for (let index = 0; index < words.length; index++) {
      const word = words[index] as Literal;
      const end = start + word.bytes.length;
      if (bytes[end] === 0x22 && this.#stands(word, start)) {
        this.#at = end + 1;
        return index;
      }
    }
    throw notPlain;
  }

  #flag(): number {
    if (this.#take(yes)) return 1;
    if (this.#take(no)) return 0;
    throw notPlain;
  }

  #null(): boolean {
    return this.#take(nothing);
  }

  #whole(place: Place): number {
    const { bytes } = this;
    let at = this.#at;
    const negative = bytes[at] === 0x2d;
    if (negative) at++;
    const start = at;
    let value = 0;
    for (let digit = (bytes[at] as number) - 0x30; digit >= 0 && digit <= 9; ) {
      value = value * 10 + digit;
      digit = (bytes[++at] as number) - 0x30;
    }
    const digits = at - start;
    // No number begins with a zero that is not all of it.
    if (digits === 0 || digits > mostDigits || (bytes[start] === 0x30 && digits > 1)) throw notPlain;
    const signed = negative ? -value : value;
    if (signed < place.least || signed > place.most) throw notPlain;
    this.#at = at;
    return signed;
  }

  #shape(place: Place): number {
    const { members, names, required } = place;
    const base = this.#room(members.length);
    for (let index = base; index < base + members.length; index++) this.cells[index] = absent;
    this.#open(0x7b);
    for (let next = 0, more = !this.#ends(0x7d); more; more = this.#goesOn(0x7d)) {
      // Most texts have their members in the same order.
      const index = this.#take(names[next] as Literal) ? next : this.#search(names);
      this.#spaces();
      if (this.cells[base + index] !== absent) throw notPlain;
      const value = this.#value(members[index] as Place);
      this.cells[base + index] = value;
      next = index + 1 === names.length ? 0 : index + 1;
    }
    for (let index = 0; index < required.length; index++)
      if (this.cells[base + (required[index] as number)] === absent) throw notPlain;
    return base;
  }

  #search(names: readonly Literal[]): number {
    for (let index = 0; index < names.length; index++) if (this.#take(names[index] as Literal)) return index;
    throw notPlain;
  }

  #list(place: Place, each: Place): number {
    const head = this.#room(2);
    let count = 0;
    let last = head + 1;
    this.#open(0x5b);
    for (let more = !this.#ends(0x5d); more; more = this.#goesOn(0x5d)) {
      const item = this.#room(3);
      const value = this.#value(each);
      this.cells[item + 2] = value;
      this.cells[last] = item;
      last = item;
      count++;
    }
    if (count > place.most) throw notPlain;
    this.cells[head] = count;
    return head;
  }

  #map(place: Place, key: Place, each: Place): number {
    const head = this.#room(2);
    let count = 0;
    let last = head + 1;
    this.#open(0x7b);
    for (let more = !this.#ends(0x7d); more; more = this.#goesOn(0x7d)) {
      const item = this.#room(3);
      const name = this.#text(key);
      if (count >= mostKeys || this.#isIndex(name) || this.#isKnown(name, head, count)) throw notPlain;
      this.cells[item + 1] = name;
      if (this.bytes[this.#at++] !== 0x3a) throw notPlain;
      this.#spaces();
      const value = this.#value(each);
      this.cells[item + 2] = value;
      this.cells[last] = item;
      last = item;
      count++;
    }
    if (count > place.most) throw notPlain;
    this.cells[head] = count;
    return head;
  }

  /** Names that are numbers come first in objects, wherever they stand in the text. */
  #isIndex(name: number): boolean {
    const start = this.start(name);
    const end = start + this.length(name);
    for (let at = start; at < end; at++) {
      const code = this.bytes[at] as number;
      if (code < 0x30 || code > 0x39) return false;
    }
    return true;
  }

  #isKnown(name: number, head: number, count: number): boolean {
    let item = this.cells[head + 1] as number;
    for (let left = count; left > 0; left--) {
      if (this.same(this.cells[item + 1] as number, name)) return true;
      item = this.cells[item] as number;
    }
    return false;
  }

  /** Whether two texts are the same. */
  same(a: number, b: number): boolean {
    const length = this.length(a);
    return length === this.length(b) && this.equal(this.start(a), this.start(b), length);
  }

  /** Whether `length` bytes are the same from `a` on as from `b` on. */
  equal(a: number, b: number, length: number): boolean {
    if (a + length > this.#size || b + length > this.#size) return false;
    let at = 0;
    for (const view = this.#view; at + 4 <= length; at += 4)
      if (view.getInt32(a + at) !== view.getInt32(b + at)) return false;
    for (const { bytes } = this; at < length; at++) if (bytes[a + at] !== bytes[b + at]) return false;
    return true;
  }

  #open(code: number): void {
    if (this.bytes[this.#at++] !== code) throw notPlain;
    this.#spaces();
  }

  #ends(code: number): boolean {
    if (this.bytes[this.#at] !== code) return false;
    this.#at++;
    return true;
  }

  #goesOn(end: number): boolean {
    const code = this.bytes[this.#at++];
    if (code === end) return false;
    if (code !== 0x2c) throw notPlain;
    this.#spaces();
    return true;
  }

  #spaces(): void {
    while (this.bytes[this.#at] === 0x20) this.#at++;
  }

  #take(what: Literal): boolean {
    if (!this.#stands(what, this.#at)) return false;
    this.#at += what.bytes.length;
    return true;
  }

  #stands({ bytes: what, fours }: Literal, at: number): boolean {
    const end = at + what.length;
    if (end > this.#size) return false;
    let index = 0;
    for (; index < fours.length; index++)
      if (this.#view.getInt32(at + index * 4, true) !== fours[index]) return false;
    const { bytes } = this;
    for (index *= 4; index < what.length; index++) if (bytes[at + index] !== what[index]) return false;
    return true;
  }

  #room(cells: number): number {
    const base = this.#top;
    this.#top += cells;
    if (this.#top > this.cells.length) {
      const larger = new Float64Array(this.#top * 2);
      larger.set(this.cells);
      this.cells = larger;
    }
    return base;
  }
}

const [yes, no, nothing] = [literal("true"), literal("false"), literal("null")] as const;
