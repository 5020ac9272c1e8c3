/** The facts of all entrypoints together: which exist, and which may be absent or null. */
import { anyStep, type Step } from "./tree.ts";

/** A node of an input schema. */
interface Node {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly required?: readonly string[];
  readonly default?: unknown;
}

/** A place on the way to a fact where there may be nothing. */
export interface Gap {
  /** Steps to it. */
  readonly length: number;
  /** Whether it is there and null, rather than missing. */
  readonly nullable: boolean;
}

/** What a path of the input may be. */
export interface FactPlace {
  /** Whether some entrypoint declares it. */
  readonly known: boolean;
  /** Where it may break off; the last may be the fact itself. */
  readonly gaps: readonly Gap[];
}

const typesOf = ({ type }: Node): readonly string[] => (typeof type === "string" ? [type] : (type ?? []));

function placeIn(node: Node, steps: readonly Step[]): FactPlace {
  let here = node;
  const gaps: Gap[] = [];
  for (const [at, step] of steps.entries()) {
    const length = at + 1;
    const own = step === anyStep ? undefined : here.properties?.[step];
    if (own !== undefined) {
      if (here.required?.includes(step as string) !== true && own.default === undefined)
        gaps.push({ length, nullable: false });
      here = own;
    } else {
      const rest = here.additionalProperties;
      const each = here.items ?? (typeof rest === "object" ? rest : undefined);
      gaps.push({ length, nullable: false }); // an entry of a map or list: there may be none
      if (each === undefined) return { known: step === anyStep && here.properties !== undefined, gaps };
      here = each;
    }
    if (typesOf(here).includes("null")) gaps.push({ length, nullable: true });
  }
  return { known: true, gaps };
}

/** Input schemas by entrypoint, asked about paths. */
export class FactsTree {
  readonly #schemas: readonly (readonly [name: string, schema: Node])[];

  constructor(schemas: Readonly<Record<string, unknown>>) {
    this.#schemas = Object.entries(schemas) as [string, Node][];
  }

  /** What a path without its leading `input` may be, in any entrypoint that declares it. */
  place(steps: readonly Step[]): FactPlace {
    const places = this.#schemas.map(([, schema]) => placeIn(schema, steps)).filter(({ known }) => known);
    return { known: places.length > 0, gaps: places.flatMap(({ gaps }) => gaps) };
  }

  /** The schema that OPA checks the input of all rules against: every declared field, what may be null as if never. */
  merged(): object {
    return forOpa(this.#schemas.map(([, schema]) => schema).reduce<Node>(merge, {}));
  }
}

function merge(left: Node, right: Node): Node {
  const names = [...Object.keys(left.properties ?? {}), ...Object.keys(right.properties ?? {})];
  const properties = [...new Set(names)].map((name): [string, Node] => [
    name,
    merge(left.properties?.[name] ?? {}, right.properties?.[name] ?? {}),
  ]);
  const items = [left.items, right.items].filter((each) => each !== undefined);
  const rest = [left.additionalProperties, right.additionalProperties].filter(
    (each) => typeof each === "object",
  );
  return {
    type: [...new Set([...typesOf(left), ...typesOf(right)])],
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
    ...(items.length === 0 ? {} : { items: items.reduce(merge) }),
    ...(rest.length === 0 ? {} : { additionalProperties: rest.reduce(merge) }),
  };
}

/** OPA knows no list of types: alternatives become `anyOf`. */
function forOpa(node: Node): object {
  const { properties, items, additionalProperties: rest } = node;
  const whole = {
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, each]) => [name, forOpa(each)]),
          ),
        }),
    ...(items === undefined ? {} : { items: forOpa(items) }),
    ...(typeof rest === "object" ? { additionalProperties: forOpa(rest) } : {}),
  };
  const types = typesOf(node).filter((type) => type !== "null");
  if (types.length === 0) return whole;
  if (types.length === 1) return { type: types[0], ...whole };
  const structured = (type: string): object =>
    type === "object" || type === "array" ? { type, ...whole } : { type };
  return { anyOf: types.map(structured) };
}
