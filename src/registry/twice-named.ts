/**
 * Member names that stand twice in one object: `JSON.parse` takes the last one in silence, another reader the first. Which
 * is true cannot be known (RFC 8259, section 4), so that a record with one is none.
 */
import type { RecordKey } from "../decision/facts.ts";
import type { Validated } from "./record-validator.ts";

/** Levels that are counted by calls; what is deeper is counted without: it may be deeper than a stack. */
const mostCalls = 64;

/** How many members all objects of a value have. */
function membersOf(value: object, depth: number): number {
  if (depth > mostCalls) return membersBelow(value);
  let members = 0;
  if (Array.isArray(value)) {
    for (const each of value)
      if (typeof each === "object" && each !== null) members += membersOf(each as object, depth + 1);
    return members;
  }
  for (const name in value) {
    members += 1;
    const each = (value as Record<string, unknown>)[name];
    if (typeof each === "object" && each !== null) members += membersOf(each, depth + 1);
  }
  return members;
}

/** The same, slower. */
function membersBelow(value: object): number {
  let members = 0;
  const open: object[] = [value];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    if (!Array.isArray(each)) members += Object.keys(each).length;
    for (const inner of Object.values(each) as unknown[])
      if (typeof inner === "object" && inner !== null) open.push(inner);
  }
  return members;
}

/** How many colons follow a quote at once; `undefined`: one follows a space, so that names cannot be counted so. */
function quotedColons(text: string): number | undefined {
  let found = 0;
  for (let at = text.indexOf(":"); at !== -1; at = text.indexOf(":", at + 1)) {
    const before = text.charCodeAt(at - 1);
    if (before === 0x22) found += 1;
    else if (before <= 0x20) return undefined;
  }
  return found;
}

/** A name that stands twice in one object. */
export interface Twice {
  readonly name: string;
  /** How deep the object is: 1, the outermost. */
  readonly depth: number;
}

/**
 * The first name that stands twice in one object of `text`, given the value that `JSON.parse` made of it; `undefined`:
 * none does. Every name ends in a quote that its colon follows, so that there are no more names than such colons; where the
 * value has as many members, none was lost. Only else is the text read.
 */
export function twiceNamed(text: string, value: unknown): Twice | undefined {
  const colons = quotedColons(text);
  const members = typeof value === "object" && value !== null ? membersOf(value, 0) : 0;
  return colons !== undefined && members >= colons ? undefined : readTwice(text);
}

/** Where the string ends that begins here. */
function endOf(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at;
    if (code === 0x5c) at++;
  }
  return text.length;
}

/** Reads JSON that is known to be well-formed. */
function readTwice(text: string): Twice | undefined {
  /** Names of the objects that are open; `undefined`: an array. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x7b) open.push(new Set());
    else if (code === 0x5b) open.push(undefined);
    else if (code === 0x7d || code === 0x5d) open.pop();
    else if (code === 0x22) {
      const from = at;
      at = endOf(text, at);
      const names = open.at(-1);
      if (names === undefined || !isName(text, at + 1)) continue;
      // Written in another way it is the same name.
      const name = JSON.parse(text.slice(from, at + 1)) as string;
      if (names.has(name)) return { name, depth: open.length };
      names.add(name);
    }
  }
  return undefined;
}

/** Whether a colon comes next. */
function isName(text: string, at: number): boolean {
  for (; ; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x3a) return true;
    if (code !== 0x20 && code !== 0x0a && code !== 0x09 && code !== 0x0d) return false;
  }
}

/** Names whose value says which record is meant. */
const naming: ReadonlySet<string> = new Set([
  "kind",
  "record",
  "key",
  "id",
  "tenant",
  "class",
  "origin",
  "device",
]);

/** The entry of such a record, which stands `depth` deep in its text: isolated, or, where it may be another's, nobody's. */
export function namedTwice(
  { depth, name }: Twice,
  key: RecordKey | undefined,
  recordDepth: number,
): Validated {
  const invalid = `\`${name}\` is there twice in one object: which of them is true cannot be known`;
  return { key: depth <= recordDepth && naming.has(name) ? undefined : key, invalid };
}

/** The texts of the elements of a list, as they stand in its text. */
export function elementsOf(text: string): readonly string[] {
  const elements: string[] = [];
  let [depth, from] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOf(text, at);
    if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth === 1) from = at + 1;
    }
    const ends = (code === 0x7d || code === 0x5d) && (depth -= 1) === 0;
    if (ends || (code === 0x2c && depth === 1)) {
      elements.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return elements;
}
