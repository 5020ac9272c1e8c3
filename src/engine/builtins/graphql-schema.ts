/**
 * Whether a schema document is sound, as OPA judges it: the type system rules of the GraphQL specification (October
 * 2021, section 3) with gqlparser's liberties. A schema needs no query type, and may extend types that are not there.
 */
import type { Form } from "./graphql-form.ts";

const list = (value: unknown): readonly Form[] => (Array.isArray(value) ? (value as Form[]) : []);
const names = (value: unknown): readonly string[] => (Array.isArray(value) ? (value as string[]) : []);
const word = (value: unknown): string => (typeof value === "string" ? value : "");
const nameOf = (form: Form): string => word(form["Name"]);
const named = (forms: unknown, name: string): Form | undefined =>
  list(forms).find((form) => nameOf(form) === name);

const inputKinds = new Set(["SCALAR", "ENUM", "INPUT_OBJECT"]);
const outputKinds = new Set(["SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM"]);

const type = (name: string, nonNull = false): Form => ({ NamedType: name, NonNull: nonNull });
const scalars = ["Int", "Float", "String", "Boolean", "ID"].map(
  (name): Form => ({ Kind: "SCALAR", Name: name }),
);
const introspection = [
  ...["__Schema", "__Type", "__Field", "__InputValue", "__EnumValue", "__Directive"].map(
    (name): Form => ({ Kind: "OBJECT", Name: name }),
  ),
  ...["__TypeKind", "__DirectiveLocation"].map((name): Form => ({ Kind: "ENUM", Name: name })),
];
const ifArgument = [{ Name: "if", Type: type("Boolean", true) }];
const selections = ["FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"];
const builtInDirectives: readonly Form[] = [
  { Name: "include", Arguments: ifArgument, Locations: selections },
  { Name: "skip", Arguments: ifArgument, Locations: selections },
  {
    Name: "deprecated",
    Arguments: [{ Name: "reason", Type: type("String") }],
    Locations: ["FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INPUT_FIELD_DEFINITION", "ENUM_VALUE"],
  },
  { Name: "specifiedBy", Arguments: [{ Name: "url", Type: type("String", true) }], Locations: ["SCALAR"] },
  {
    Name: "defer",
    Arguments: [
      { Name: "if", Type: type("Boolean") },
      { Name: "label", Type: type("String") },
    ],
    Locations: ["FRAGMENT_SPREAD", "INLINE_FRAGMENT"],
  },
  { Name: "oneOf", Locations: ["INPUT_OBJECT"] },
];
/** Names of the directives that every schema has. */
export const builtInDirectiveNames: ReadonlySet<string> = new Set(builtInDirectives.map(nameOf));

/** A schema that is not sound. */
class Unsound extends TypeError {}

const refuse = (why: string): never => {
  throw new Unsound(why);
};

/** A copy with every extension put into what it extends. @throws TypeError for extensions of another kind, and doubles */
export function mergedSchema(form: Form): Form {
  const types = new Map<string, Form>();
  for (const definition of list(form["Definitions"])) {
    const name = nameOf(definition);
    if (types.has(name) || scalars.some((scalar) => nameOf(scalar) === name))
      refuse(`${name} is there twice`);
    types.set(name, definition);
  }
  for (const extension of list(form["Extensions"])) {
    const name = nameOf(extension);
    const base = types.get(name) ?? { Kind: extension["Kind"], Name: name };
    if (base["Kind"] !== extension["Kind"]) refuse(`${name} is of another kind`);
    const joined = ["Directives", "Interfaces", "Fields", "Types", "EnumValues"].map(
      (key): [string, unknown] => [
        key,
        [
          ...((base[key] as unknown[] | undefined) ?? []),
          ...((extension[key] as unknown[] | undefined) ?? []),
        ],
      ],
    );
    const parts: Form = Object.fromEntries(joined);
    types.set(name, { ...base, ...parts });
  }
  const entries = list(form["Schema"]);
  if (entries.length > 1) refuse("more than one schema definition");
  const operations = [...entries, ...list(form["SchemaExtension"])].flatMap((each) =>
    list(each["OperationTypes"]),
  );
  return {
    ...form,
    Definitions: [...types.values()],
    Extensions: [],
    SchemaExtension: [],
    Schema: entries.length === 0 && operations.length === 0 ? [] : [{ OperationTypes: operations }],
  };
}

/** Checks a schema document whose extensions are merged. @throws TypeError that says what is wrong */
export function checkSchema(original: Form, merged: Form): void {
  new SchemaCheck(original, merged).run();
}

class SchemaCheck {
  readonly #original: Form;
  readonly #merged: Form;
  readonly #types: ReadonlyMap<string, Form>;
  readonly #directives: Map<string, Form> = new Map(builtInDirectives.map((each) => [nameOf(each), each]));

  constructor(original: Form, merged: Form) {
    this.#original = original;
    this.#merged = merged;
    const all = [...scalars, ...introspection, ...list(merged["Definitions"])];
    this.#types = new Map(all.map((each) => [nameOf(each), each]));
    const own = new Set<string>();
    for (const directive of list(merged["Directives"])) {
      const name = nameOf(directive);
      if (own.has(name) && !builtInDirectiveNames.has(name)) refuse(`@${name} is there twice`);
      own.add(name);
      this.#directives.set(name, directive);
    }
  }

  run(): void {
    for (const each of [...list(this.#original["Schema"]), ...list(this.#original["SchemaExtension"])]) {
      for (const { Type } of list(each["OperationTypes"])) this.#existing(word(Type));
      this.#used(each, "SCHEMA", true);
    }
    for (const definition of list(this.#merged["Definitions"])) this.#definition(definition);
    this.#cycles();
    for (const directive of list(this.#merged["Directives"])) {
      this.#name(directive);
      this.#inputs(directive["Arguments"], nameOf(directive));
    }
  }

  #existing(name: string): Form {
    return this.#types.get(name) ?? refuse(`${name} is no type`);
  }

  #name(form: Form): void {
    if (nameOf(form).startsWith("__")) refuse(`${nameOf(form)} begins with two underscores`);
  }

  /** The type that a reference names at its innermost. */
  #inner(reference: unknown): Form {
    let form = reference as Form | undefined;
    while (form?.["Elem"] !== undefined) form = form["Elem"] as Form;
    return this.#existing(word(form?.["NamedType"]));
  }

  #inputs(forms: unknown, directive?: string): void {
    for (const argument of list(forms)) {
      this.#name(argument);
      if (!inputKinds.has(word(this.#inner(argument["Type"])["Kind"])))
        refuse("an argument of no input type");
      this.#used(argument, "ARGUMENT_DEFINITION", true, directive);
    }
  }

  /** Directives on a form: there, at home at this place, with their arguments. */
  #used(form: Form, place: string, once: boolean, inside?: string): void {
    const seen = new Set<string>();
    for (const use of list(form["Directives"])) {
      const name = nameOf(use);
      this.#name(use);
      if (name === inside) refuse(`@${name} refers to itself`);
      const directive = this.#directives.get(name) ?? refuse(`@${name} is not defined`);
      if (once && seen.has(name) && directive["IsRepeatable"] !== true) refuse(`@${name} twice`);
      seen.add(name);
      if (!names(directive["Locations"]).includes(place)) refuse(`@${name} is not for ${place}`);
      for (const given of list(use["Arguments"])) {
        if (named(directive["Arguments"], nameOf(given)) === undefined)
          refuse(`@${name} has no such argument`);
      }
      for (const declared of list(directive["Arguments"])) {
        if (!required(declared)) continue;
        const value = named(use["Arguments"], nameOf(declared))?.["Value"] as Form | undefined;
        if (value === undefined || value["Kind"] === nullKind) refuse(`@${name} lacks an argument`);
      }
    }
  }

  #definition(form: Form): void {
    const kind = word(form["Kind"]);
    const fields = list(form["Fields"]);
    const values = list(form["EnumValues"]);
    this.#name(form);
    for (const field of fields) {
      this.#name(field);
      this.#inner(field["Type"]);
      this.#inputs(field["Arguments"]);
      this.#used(field, kind === "INPUT_OBJECT" ? "INPUT_FIELD_DEFINITION" : "FIELD_DEFINITION", true);
    }
    for (const member of names(form["Types"])) {
      if (this.#existing(member)["Kind"] !== "OBJECT") refuse(`${member} cannot be of a union`);
    }
    for (const name of names(form["Interfaces"])) this.#implements(form, name);
    if (kind === "OBJECT" || kind === "INTERFACE" || kind === "INPUT_OBJECT") {
      if (fields.length === 0) refuse(`${nameOf(form)} has no fields`);
      const fit = kind === "INPUT_OBJECT" ? inputKinds : outputKinds;
      if (fields.some((field) => !fit.has(word(this.#inner(field["Type"])["Kind"]))))
        refuse(`${nameOf(form)} has a field of a type that cannot be there`);
    }
    if (kind === "ENUM") {
      if (values.length === 0) refuse(`${nameOf(form)} has no values`);
      for (const value of values) {
        if (["true", "false", "null"].includes(nameOf(value))) refuse("a value that is a keyword");
        this.#used(value, "ENUM_VALUE", true);
      }
    }
    for (const all of [fields.map(nameOf), values.map(nameOf), names(form["Types"])]) {
      if (new Set(all).size < all.length) refuse(`${nameOf(form)} has something twice`);
    }
    // Those of extensions count as other places.
    this.#used(form, kind, false);
  }

  #implements(form: Form, name: string): void {
    const face = this.#existing(name);
    if (face["Kind"] !== "INTERFACE") refuse(`${name} is no interface`);
    for (const wanted of list(face["Fields"])) {
      const field =
        named(form["Fields"], nameOf(wanted)) ?? refuse(`${nameOf(form)} lacks ${nameOf(wanted)}`);
      if (!this.#covariant(wanted["Type"] as Form, field["Type"] as Form)) refuse("a field of another type");
      for (const argument of list(wanted["Arguments"])) {
        const own = named(field["Arguments"], nameOf(argument)) ?? refuse("an argument is missing");
        if (!compatible(argument["Type"] as Form, own["Type"] as Form)) refuse("an argument of another type");
      }
      for (const own of list(field["Arguments"])) {
        if (required(own) && named(wanted["Arguments"], nameOf(own)) === undefined)
          refuse("an argument that the interface does not know");
      }
    }
    for (const further of names(face["Interfaces"])) {
      if (!names(form["Interfaces"]).includes(further))
        refuse(`${nameOf(form)} must implement ${further} too`);
    }
  }

  #covariant(wanted: Form, own: Form): boolean {
    if (wanted["NonNull"] === true && own["NonNull"] !== true) return false;
    if (wanted["Elem"] !== undefined)
      return own["Elem"] !== undefined && this.#covariant(wanted["Elem"] as Form, own["Elem"] as Form);
    const [base, name] = [word(wanted["NamedType"]), word(own["NamedType"])];
    if (base === name) return true;
    const inner = this.#types.get(name);
    return (
      names(this.#types.get(base)?.["Types"]).includes(name) || names(inner?.["Interfaces"]).includes(base)
    );
  }

  /** Input objects that need themselves can never be given. */
  #cycles(): void {
    const done = new Set<string>();
    const visit = (name: string, path: readonly string[]): void => {
      if (path.includes(name)) refuse(`${name} needs itself`);
      const form = this.#types.get(name);
      if (done.has(name) || form?.["Kind"] !== "INPUT_OBJECT") return;
      for (const { Type } of list(form["Fields"])) {
        const { NamedType, NonNull } = Type as Form;
        if (NonNull === true && word(NamedType) !== "") visit(word(NamedType), [...path, name]);
      }
      done.add(name);
    };
    for (const name of this.#types.keys()) visit(name, []);
  }
}

const nullKind = 6;

const required = (form: Form): boolean =>
  (form["Type"] as Form)["NonNull"] === true &&
  (form["DefaultValue"] === undefined || form["DefaultValue"] === null);

function compatible(wanted: Form, own: Form): boolean {
  if (word(wanted["NamedType"]) !== word(own["NamedType"])) return false;
  if ((wanted["Elem"] === undefined) !== (own["Elem"] === undefined)) return false;
  if (wanted["Elem"] !== undefined && !compatible(wanted["Elem"] as Form, own["Elem"] as Form)) return false;
  return own["NonNull"] !== true || wanted["NonNull"] === true;
}
