/** GraphQL text of a document in OPA's form, so that policies may hand back what they were given. */
import { definitionKinds, type Form, valueKinds } from "./graphql-form.ts";

const list = (value: unknown): readonly Form[] => (Array.isArray(value) ? (value as Form[]) : []);
const word = (value: unknown): string => {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw new TypeError("not a text");
  return value;
};
const quoted = (text: string): string => JSON.stringify(text);
const described = (form: Form): string => {
  const text = word(form["Description"]);
  return text === "" ? "" : `${quoted(text)} `;
};
const braces = (parts: readonly string[]): string => (parts.length === 0 ? "" : ` { ${parts.join(" ")} }`);
const parens = (parts: readonly string[]): string => (parts.length === 0 ? "" : `(${parts.join(", ")})`);

function typeText(form: unknown): string {
  const type = form as Form;
  const bang = type["NonNull"] === true ? "!" : "";
  const name = word(type["NamedType"]);
  return name === "" ? `[${typeText(type["Elem"])}]${bang}` : `${name}${bang}`;
}

function valueText(form: unknown): string {
  const value = form as Form;
  const raw = word(value["Raw"]);
  const children = list(value["Children"]);
  switch (valueKinds[(value["Kind"] as number | undefined) ?? 0]) {
    case "Variable":
      return `$${raw}`;
    case "StringValue":
    case "BlockValue":
      return quoted(raw);
    case "ListValue":
      return `[${children.map((child) => valueText(child["Value"])).join(", ")}]`;
    case "ObjectValue":
      return `{${children.map((child) => `${word(child["Name"])}: ${valueText(child["Value"])}`).join(", ")}}`;
    default:
      return raw;
  }
}

const defaulted = (form: Form): string =>
  form["DefaultValue"] === undefined || form["DefaultValue"] === null
    ? ""
    : ` = ${valueText(form["DefaultValue"])}`;

const argumentsText = (form: Form): string =>
  parens(list(form["Arguments"]).map((each) => `${word(each["Name"])}: ${valueText(each["Value"])}`));

const directives = (form: Form): string =>
  list(form["Directives"])
    .map((each) => ` @${word(each["Name"])}${argumentsText(each)}`)
    .join("");

const variables = (forms: unknown): string =>
  parens(
    list(forms).map(
      (each) => `$${word(each["Variable"])}: ${typeText(each["Type"])}${defaulted(each)}${directives(each)}`,
    ),
  );

function selection(form: Form): string {
  const set = braces(list(form["SelectionSet"]).map(selection));
  if (form["TypeCondition"] !== undefined) {
    const on = word(form["TypeCondition"]);
    return `...${on === "" ? "" : ` on ${on}`}${directives(form)}${set}`;
  }
  const name = word(form["Name"]);
  if (form["Alias"] === undefined) return `...${name}${directives(form)}`;
  const alias = word(form["Alias"]);
  return `${alias === name ? "" : `${alias}: `}${name}${argumentsText(form)}${directives(form)}${set}`;
}

/** A query document as text. @throws TypeError where the form is none */
export function queryText(form: Form): string {
  const operations = list(form["Operations"]).map(
    (each) =>
      `${word(each["Operation"])} ${word(each["Name"])}${variables(each["VariableDefinitions"])}${directives(each)}${braces(list(each["SelectionSet"]).map(selection))}`,
  );
  const fragments = list(form["Fragments"]).map(
    (each) =>
      `fragment ${word(each["Name"])}${variables(each["VariableDefinition"])} on ${word(each["TypeCondition"])}${directives(each)}${braces(list(each["SelectionSet"]).map(selection))}`,
  );
  return [...operations, ...fragments].join("\n");
}

const input = (form: Form): string =>
  `${described(form)}${word(form["Name"])}: ${typeText(form["Type"])}${defaulted(form)}${directives(form)}`;

const field = (form: Form): string =>
  `${described(form)}${word(form["Name"])}${parens(list(form["Arguments"]).map(input))}: ${typeText(form["Type"])}${defaulted(form)}${directives(form)}`;

const keywords: Readonly<Record<string, string>> = {
  SCALAR: "scalar",
  OBJECT: "type",
  INTERFACE: "interface",
  UNION: "union",
  ENUM: "enum",
  INPUT_OBJECT: "input",
};

function definition(form: Form, extend: boolean): string {
  const kind = word(form["Kind"]);
  if (!Object.values(definitionKinds).includes(kind)) throw new TypeError("no kind of definition");
  const names = (key: string): readonly string[] => (list(form[key]) as readonly unknown[]).map(word);
  const interfaces = names("Interfaces");
  const types = names("Types");
  const values = list(form["EnumValues"]).map(
    (each) => `${described(each)}${word(each["Name"])}${directives(each)}`,
  );
  return [
    extend ? "extend " : described(form),
    `${keywords[kind]} ${word(form["Name"])}`,
    interfaces.length === 0 ? "" : ` implements ${interfaces.join(" & ")}`,
    directives(form),
    types.length === 0 ? "" : ` = ${types.join(" | ")}`,
    braces(list(form["Fields"]).map(field)),
    braces(values),
  ].join("");
}

function entry(form: Form, extend: boolean): string {
  const operations = list(form["OperationTypes"]).map(
    (each) => `${word(each["Operation"])}: ${word(each["Type"])}`,
  );
  return `${extend ? "extend " : described(form)}schema${directives(form)}${braces(operations)}`;
}

/** A schema document as text. @throws TypeError where the form is none */
export function schemaText(form: Form): string {
  return [
    ...list(form["Schema"]).map((each) => entry(each, false)),
    ...list(form["SchemaExtension"]).map((each) => entry(each, true)),
    ...list(form["Directives"]).map(
      (each) =>
        `${described(each)}directive @${word(each["Name"])}${parens(list(each["Arguments"]).map(input))}${each["IsRepeatable"] === true ? " repeatable" : ""} on ${(list(each["Locations"]) as readonly unknown[]).map(word).join(" | ")}`,
    ),
    ...list(form["Definitions"]).map((each) => definition(each, false)),
    ...list(form["Extensions"]).map((each) => definition(each, true)),
  ].join("\n");
}
