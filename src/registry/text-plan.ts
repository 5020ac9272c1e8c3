/** What {@link readTape} expects of a text, compiled from the JSON Schema that also decides what a record must hold. */
import { isSafeId } from "../decision/ids.ts";
import { safeIdFormat, wellFormedFormat } from "./schema-words.ts";

/** The JSON Schema of a value, as far as schemas of records use it. */
export interface ValueSchema {
  readonly type?: string;
  readonly anyOf?: readonly ValueSchema[];
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: ValueSchema;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly required?: readonly string[];
  readonly propertyNames?: ValueSchema;
  readonly additionalProperties?: ValueSchema | boolean;
  readonly maxProperties?: number;
}

/** What stands in a place. */
export const is: {
  readonly text: 0;
  readonly word: 1;
  readonly whole: 2;
  readonly flag: 3;
  readonly shape: 4;
  readonly list: 5;
  readonly map: 6;
} = { text: 0, word: 1, whole: 2, flag: 3, shape: 4, list: 5, map: 6 };

/** ASCII that is compared with what stands in a text, four bytes at a time. */
export interface Literal {
  readonly bytes: Uint8Array;
  /** The same in 32 bits each, the lowest byte first; what is left over is not in it. */
  readonly fours: Int32Array;
}

/** The bytes of ASCII. */
export function literal(text: string): Literal {
  const bytes = Uint8Array.from(Buffer.from(text, "latin1"));
  const view = new DataView(bytes.buffer);
  const fours = Int32Array.from({ length: bytes.length >> 2 }, (_, index) => view.getInt32(index * 4, true));
  return { bytes, fours };
}

const none = new Uint8Array(0);

/** One place of a text: all of them are of one class, so that reading them stays fast. */
export class Place {
  readonly what: (typeof is)[keyof typeof is];
  /** Whether `null` may stand there instead. */
  nullable = false;
  /** Fewest and most: characters, items, or the number itself. */
  least = 0;
  most = 0;
  /** Texts: which characters may come first, and which then; 1: it may. */
  first: Uint8Array = none;
  rest: Uint8Array = none;
  /** Words: the bytes of each. */
  words: readonly Literal[] = [];
  /** Shapes: members in order, with `"name":` in bytes. */
  members: readonly Place[] = [];
  names: readonly Literal[] = [];
  required: readonly number[] = [];
  columns: Readonly<Record<string, number>> = {};
  /** Lists and maps: what stands in them, and what maps are keyed by. */
  each: Place | undefined;
  key: Place | undefined;

  constructor(what: Place["what"]) {
    this.what = what;
  }
}

/** Printable ASCII that stands for itself in JSON. */
function plain(code: number): boolean {
  return code >= 0x20 && code <= 0x7e && code !== 0x22 && code !== 0x5c;
}

function characters(may: (character: string) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) =>
    plain(code) && may(String.fromCharCode(code)) ? 1 : 0,
  );
}

const any = characters(() => true);
const safe = characters(isSafeId);
/** One character of a class, and then up to so many of another. */
const classes = /^\^(\[[^\]]+\])(\[[^\]]+\])\{0,(\d+)\}\$$/;

function text({ format, maxLength, minLength, pattern }: ValueSchema): Place {
  const place = new Place(is.text);
  place.least = minLength ?? 0;
  place.most = maxLength ?? Number.POSITIVE_INFINITY;
  [place.first, place.rest] = [any, any];
  if (format === safeIdFormat) {
    place.least = Math.max(1, place.least);
    [place.first, place.rest] = [safe, safe];
  } else if (format !== undefined && format !== wellFormedFormat)
    throw new TypeError(`the format \`${format}\` cannot be read here`);
  if (pattern === undefined) return place;
  const [, first, rest, more] = classes.exec(pattern) ?? [];
  if (first === undefined || rest === undefined || format !== undefined)
    throw new TypeError(`the pattern \`${pattern}\` cannot be read here`);
  place.least = Math.max(1, place.least);
  place.most = Math.min(place.most, Number(more) + 1);
  const [begins, goesOn] = [new RegExp(first), new RegExp(rest)];
  place.first = characters((each) => begins.test(each));
  place.rest = characters((each) => goesOn.test(each));
  return place;
}

function shape({ properties = {}, required = [] }: ValueSchema): Place {
  const place = new Place(is.shape);
  const names = Object.keys(properties);
  place.members = Object.values(properties).map(planOf);
  place.names = names.map((name) => literal(`"${name}":`));
  place.required = required.map((name) => names.indexOf(name));
  place.columns = Object.fromEntries(names.map((name, index) => [name, index]));
  return place;
}

/** Compiles a schema. Throws `TypeError` for what {@link readTape} cannot check. */
export function planOf(schema: ValueSchema): Place {
  if (schema.anyOf !== undefined) {
    const [value, nil] = schema.anyOf;
    if (value === undefined || nil?.type !== "null" || schema.anyOf.length !== 2)
      throw new TypeError("alternatives cannot be read here");
    const place = planOf(value);
    place.nullable = true;
    return place;
  }
  if (schema.enum !== undefined) {
    const place = new Place(is.word);
    place.words = schema.enum.map(literal);
    return place;
  }
  switch (schema.type) {
    case "string":
      return text(schema);
    case "boolean":
      return new Place(is.flag);
    case "integer": {
      const place = new Place(is.whole);
      place.least = schema.minimum ?? Number.NEGATIVE_INFINITY;
      place.most = schema.maximum ?? Number.POSITIVE_INFINITY;
      return place;
    }
    case "array": {
      const place = new Place(is.list);
      place.each = planOf(schema.items ?? {});
      place.most = schema.maxItems ?? Number.POSITIVE_INFINITY;
      return place;
    }
    case "object": {
      if (typeof schema.additionalProperties !== "object") return shape(schema);
      const place = new Place(is.map);
      place.key = planOf(schema.propertyNames ?? {});
      place.each = planOf(schema.additionalProperties);
      place.most = schema.maxProperties ?? Number.POSITIVE_INFINITY;
      return place;
    }
    default:
      throw new TypeError(`a schema of type \`${schema.type}\` cannot be read here`);
  }
}
