/** What packed records are made of: words by number, lists, maps of numbers. */
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** A flag in its place. */
export const bit = (place: number, is: boolean): number => (is ? 1 << place : 0);

/** 0: absent, 1: `null`, 2: a number. */
export const presence = (value: number | null | undefined): number =>
  value === undefined ? 0 : value === null ? 1 : 2;

/** What {@link presence} has noted. */
export function numberOrNull(reader: ByteReader, present: number): number | null | undefined {
  if (present === 0) return undefined;
  return present === 1 ? null : reader.number();
}

/** The number of a word. Throws `RangeError` for one that no schema names. */
export function at(words: readonly string[], word: string): number {
  const index = words.indexOf(word);
  if (index < 0) throw new RangeError(`\`${word}\` is none of ${words.join(", ")}`);
  return index;
}

/** The number of a word and one more; 0: it is absent. */
export function optional(words: readonly string[], word: string | undefined): number {
  return word === undefined ? 0 : at(words, word) + 1;
}

/** Texts of which there are as many as rows; {@link list} reads them. */
export function texts(writer: ByteWriter, all: readonly string[]): void {
  writer.number(all.length);
  for (const each of all) writer.text(each);
}

/** What {@link texts} has written. */
export function list(reader: ByteReader): string[] {
  const all: string[] = [];
  for (let left = reader.number(); left > 0; left--) all.push(reader.text());
  return all;
}

/** The same, where they stand in many rows. */
export function names(reader: ByteReader): string[] {
  const all: string[] = [];
  for (let left = reader.number(); left > 0; left--) all.push(reader.name());
  return all;
}

/** Names first, in one text, since many records have the same. No name holds a newline. */
export function numbers(writer: ByteWriter, map: Readonly<Record<string, number>>): void {
  const own = Object.keys(map);
  writer.text(own.join("\n"));
  for (const name of own) writer.number(map[name] as number);
}

interface Shape {
  readonly names: readonly string[];
  readonly made: Readonly<Record<string, number>>;
}

/** Objects with these names: to copy one is cheaper than to add its members one by one. */
const shapes = new Map<string, Shape>();
const mostShapes = 4096;

function shapeOf(joined: string): Shape {
  const known = shapes.get(joined);
  if (known !== undefined) return known;
  const names = joined === "" ? [] : joined.split("\n");
  const shape = { names, made: Object.fromEntries(names.map((name) => [name, 0])) };
  if (shapes.size >= mostShapes) shapes.clear();
  shapes.set(joined, shape);
  return shape;
}

/** What {@link numbers} has written. */
export function numbersOf(reader: ByteReader): Record<string, number> {
  const { made, names } = shapeOf(reader.name());
  const map: Record<string, number> = { ...made };
  for (const name of names) map[name] = reader.number();
  return map;
}

/** Passes over {@link texts}, or over so many that stand one by one. */
export function skipTexts(reader: ByteReader, count: number = reader.number()): void {
  for (let left = count; left > 0; left--) reader.skip();
}

/** Passes over {@link numbers}. */
export function skipNumbers(reader: ByteReader): void {
  for (let { length } = shapeOf(reader.name()).names; length > 0; length--) reader.number();
}
