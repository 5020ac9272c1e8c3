/** Facts of a valid form, generated from the input schema of an entrypoint: varied, and near the thresholds. */
import fc from "fast-check";
import type { InputSchema } from "../../pdp/projection.ts";
import { Moment, type Vocabulary } from "./vocabulary.ts";

/** A change of one place of the facts. A value `undefined` takes the fact away. */
export interface Twist {
  /** Dotted; `*` is each entry of a map or list that is there. */
  readonly path: string;
  readonly value: unknown;
}

/** A place that a schema declares. */
export interface Place {
  readonly path: string;
  readonly schema: InputSchema;
  /** Whether facts without it are refused before the policy sees them. */
  readonly mandatory: boolean;
}

const typesOf = ({ type }: InputSchema): readonly string[] =>
  typeof type === "string" ? [type] : (type ?? []);

/** Every place below a schema, parents first. */
export function placesIn(schema: InputSchema, path = ""): Place[] {
  const step = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const named = Object.entries(schema.properties ?? {}).flatMap(([name, inner]): Place[] => [
    {
      path: step(name),
      schema: inner,
      mandatory: (schema.required ?? []).includes(name) && inner.default === undefined,
    },
    ...placesIn(inner, step(name)),
  ]);
  const each =
    schema.items ??
    (typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined);
  return each === undefined
    ? named
    : [...named, { path: step("*"), schema: each, mandatory: false }, ...placesIn(each, step("*"))];
}

/** Paths of maps whose entries have any name. */
export function openMaps(schema: InputSchema): ReadonlySet<string> {
  const all = [{ path: "", schema }, ...placesIn(schema)];
  return new Set(
    all.filter(({ schema: own }) => typeof own.additionalProperties === "object").map(({ path }) => path),
  );
}

const odd = ["", "*", "..", "a b", "é", "\u{1f512}", "constructor"];

/** Texts: seen here, seen elsewhere under the same name, odd ones; for topics also levels put together anew. */
function texts(path: string, schema: InputSchema, vocabulary: Vocabulary): fc.Arbitrary<unknown> {
  const seen = vocabulary.at(path).filter((value) => typeof value === "string");
  const choices: fc.WeightedArbitrary<unknown>[] = [{ weight: 1, arbitrary: fc.constantFrom(...odd) }];
  if (seen.length > 0) choices.unshift({ weight: 8, arbitrary: fc.constantFrom(...seen) });
  const words = vocabulary.words(path);
  if (words.length > 0) choices.push({ weight: 4, arbitrary: fc.constantFrom(...words) });
  if (vocabulary.names.length > 0)
    choices.push({ weight: 3, arbitrary: fc.constantFrom(...vocabulary.names) });
  if (/(?:^|\.)(?:topic|filter)$/.test(path) && seen.length > 0) {
    const levels = seen.map((topic) => topic.split("/"));
    const depth = Math.max(...levels.map(({ length }) => length));
    const level = (at: number): fc.Arbitrary<string> =>
      fc.constantFrom(...new Set([...levels.flatMap((each) => each[at] ?? []), "+", "#", "$SYS", ""]));
    const rows = fc.tuple(...Array.from({ length: depth }, (_, at) => level(at)));
    choices.push({
      weight: 8,
      arbitrary: fc
        .tuple(rows, fc.integer({ min: 1, max: depth }))
        .map(([row, length]) => row.slice(0, length).join("/")),
    });
  }
  const most = schema.maxLength ?? 64;
  choices.push({ weight: 1, arbitrary: fc.string({ maxLength: Math.min(most, 24) }) });
  return fc.oneof({ withCrossShrink: true }, ...choices);
}

function numbers(path: string, schema: InputSchema, vocabulary: Vocabulary): fc.Arbitrary<unknown> {
  const moments = vocabulary.moments(path);
  if (moments.length > 0) {
    return fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...moments).map((offset) => new Moment(offset)) },
      { weight: 2, arbitrary: fc.integer({ min: -1e8, max: 1e8 }).map((offset) => new Moment(offset)) },
      { weight: 1, arbitrary: fc.constant(0) },
    );
  }
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema;
  const stated = [...vocabulary.at(path), ...vocabulary.numbers].filter((value) => typeof value === "number");
  const near = [...new Set(stated.flatMap((value) => [value - 1, value, value + 1]))].filter(
    (value) => value >= minimum && value <= maximum,
  );
  const any = fc.integer({ min: minimum, max: maximum });
  return near.length === 0
    ? any
    : fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...near) }, { weight: 1, arbitrary: any });
}

/** A value that the schema takes. */
export function valuesFor(schema: InputSchema, path: string, vocabulary: Vocabulary): fc.Arbitrary<unknown> {
  const choices: fc.WeightedArbitrary<unknown>[] = typesOf(schema).map((type) => ({
    weight: type === "null" ? 1 : 6,
    arbitrary: ofType(type, schema, path, vocabulary),
  }));
  if (schema.enum !== undefined)
    choices.splice(0, choices.length, { weight: 1, arbitrary: fc.constantFrom(...schema.enum) });
  return fc.oneof(...choices);
}

function ofType(
  type: string,
  schema: InputSchema,
  path: string,
  vocabulary: Vocabulary,
): fc.Arbitrary<unknown> {
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "string":
      return texts(path, schema, vocabulary);
    case "integer":
    case "number":
      return numbers(path, schema, vocabulary);
    case "array":
      return seenOr(
        path,
        vocabulary,
        fc.array(valuesFor(schema.items ?? { type: "null" }, `${path}.*`, vocabulary), { maxLength: 3 }),
      );
    default:
      return seenOr(path, vocabulary, objects(schema, path, vocabulary));
  }
}

/** Something seen at this place, most often: what belongs together stays together. */
function seenOr(path: string, vocabulary: Vocabulary, made: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const seen = vocabulary.at(path).filter((value) => typeof value === "object" && value !== null);
  if (seen.length === 0) return made;
  return fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...seen) }, { weight: 1, arbitrary: made });
}

function objects(schema: InputSchema, path: string, vocabulary: Vocabulary): fc.Arbitrary<unknown> {
  const step = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const fields = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, inner]) => [
      name,
      valuesFor(inner, step(name), vocabulary),
    ]),
  );
  const named = fc.record(fields, { requiredKeys: [...(schema.required ?? [])] });
  if (typeof schema.additionalProperties !== "object") return named;
  const keys = vocabulary.keys(path);
  const more = fc.dictionary(
    keys.length === 0 ? fc.string({ minLength: 1, maxLength: 8 }) : fc.constantFrom(...keys),
    valuesFor(schema.additionalProperties, step("*"), vocabulary),
    { maxKeys: 3 },
  );
  return fc.tuple(more, named).map(([entries, own]) => ({ ...entries, ...own }));
}

/** Changes of one place each, over every place that the schema declares. The moment of asking stays. */
export function twistsOf(schema: InputSchema, vocabulary: Vocabulary): fc.Arbitrary<Twist> {
  const places = placesIn(schema).filter(({ path }) => path !== "now" && path !== "registry");
  return fc.oneof(
    ...places.map(({ path, schema: own, mandatory }) => {
      const value = valuesFor(own, path, vocabulary);
      const values = mandatory || path.endsWith("*") ? value : fc.option(value, { nil: undefined, freq: 8 });
      // What is one of few values decides most.
      const weight = own.enum !== undefined || typesOf(own).includes("boolean") ? 3 : 1;
      return { weight, arbitrary: values.map((made): Twist => ({ path, value: made })) };
    }),
  );
}
