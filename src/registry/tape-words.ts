/** What tapes of devices are made of, and how that is written: as `packed-words.ts` writes what has been parsed. */
import type { ByteWriter } from "./byte-writer.ts";
import { absent, nil, Tape } from "./read-tape.ts";

/** The one of this thread. */
export const tape: Tape = new Tape();

/** A member of the shape that begins at `base`. */
export const cell = (base: number, column: number): number => tape.cells[base + column] as number;

/** Whether it is there. */
export const has = (base: number, column: number): boolean => cell(base, column) !== absent;

/** Whether the first is before the second, where both are there. */
export const isBefore = (base: number, first: number, second: number): boolean =>
  has(base, first) && has(base, second) && cell(base, first) < cell(base, second);

/** How many items a list or map has, and its first one. */
export const countOf = (head: number): number => tape.cells[head] as number;
export const firstOf = (head: number): number => tape.cells[head + 1] as number;
/** The item behind an item, its key, and what it holds. */
export const nextOf = (item: number): number => tape.cells[item] as number;
export const keyOf = (item: number): number => tape.cells[item + 1] as number;
export const heldIn = (item: number): number => tape.cells[item + 2] as number;

/** The number of a word and one more; 0: it is absent. */
export const optional = (base: number, column: number): number =>
  has(base, column) ? cell(base, column) + 1 : 0;

/** 0: absent, 1: `null`, 2: a number. */
export const presence = (at: number): number => (at === absent ? 0 : at === nil ? 1 : 2);

/** Writes a text. */
export function text(writer: ByteWriter, at: number): void {
  writer.ascii(tape.bytes, tape.start(at), tape.length(at));
}

/** Writes as many texts as a list or map has items: what it holds, or its keys. */
export function texts(writer: ByteWriter, head: number, what: (item: number) => number): void {
  writer.number(countOf(head));
  let item = firstOf(head);
  for (let left = countOf(head); left > 0; left--) {
    text(writer, what(item));
    item = nextOf(item);
  }
}

/** Writes a number that may be absent. */
export function numberIf(writer: ByteWriter, base: number, column: number): void {
  if (has(base, column)) writer.number(cell(base, column));
}

/** Names of a map, with a newline behind each: a tape has no more of them, and none is longer than 128. */
const names = new Uint8Array(129 * 16);

/** Writes a map of numbers: the names in one text, and then the numbers. */
export function numbers(writer: ByteWriter, head: number): void {
  let length = 0;
  let item = firstOf(head);
  for (let left = countOf(head); left > 0; left--) {
    length = append(keyOf(item), length);
    item = nextOf(item);
  }
  writer.ascii(names, 0, Math.max(0, length - 1));
  item = firstOf(head);
  for (let left = countOf(head); left > 0; left--) {
    writer.number(heldIn(item));
    item = nextOf(item);
  }
}

/** Adds a name and a newline; where they end. */
function append(name: number, from: number): number {
  const [start, length] = [tape.start(name), tape.length(name)];
  for (let index = 0; index < length; index++) names[from + index] = tape.bytes[start + index] as number;
  names[from + length] = 0x0a;
  return from + length + 1;
}

/** Which key of a map a text is, from 1; 0: none. */
export function placeIn(head: number, name: number): number {
  let item = firstOf(head);
  for (let place = 1; place <= countOf(head); place++) {
    if (tape.same(keyOf(item), name)) return place;
    item = nextOf(item);
  }
  return 0;
}
