/**
 * GraphQL documents in the form that OPA shows them: the tree of gqlparser, the Go library that OPA parses with,
 * without positions, nulls and what is empty. Comments are left out.
 */
import type {
  ConstDirectiveNode,
  DefinitionNode,
  DirectiveNode,
  DocumentNode,
  FieldDefinitionNode,
  InputValueDefinitionNode,
  SelectionSetNode,
  TypeNode,
  ValueNode,
} from "graphql";

/** A node of OPA's form. */
export type Form = Readonly<Record<string, unknown>>;

/** Kinds of values, by the numbers that gqlparser gives them. */
export const valueKinds = [
  "Variable",
  "IntValue",
  "FloatValue",
  "StringValue",
  "BlockValue",
  "BooleanValue",
  "NullValue",
  "EnumValue",
  "ListValue",
  "ObjectValue",
] as const;

/** Kinds of type definitions, by the words that gqlparser has for them. */
export const definitionKinds: Readonly<Record<string, string>> = {
  ScalarType: "SCALAR",
  ObjectType: "OBJECT",
  InterfaceType: "INTERFACE",
  UnionType: "UNION",
  EnumType: "ENUM",
  InputObjectType: "INPUT_OBJECT",
};

/** Without nulls and empty lists and objects, at any depth. */
function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pruned).filter(there);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, each]) => [name, pruned(each)] as const)
      .filter(([, each]) => there(each)),
  );
}

const there = (value: unknown): boolean =>
  value !== undefined && value !== null && !(typeof value === "object" && Object.keys(value).length === 0);

/** A query document in OPA's form. */
export function queryForm(document: DocumentNode): Form {
  const operations: Form[] = [];
  const fragments: Form[] = [];
  for (const node of document.definitions) {
    if (node.kind === "OperationDefinition") {
      operations.push({
        Operation: node.operation,
        Name: node.name?.value ?? "",
        VariableDefinitions: node.variableDefinitions?.map(variableForm),
        Directives: node.directives?.map(directiveForm),
        SelectionSet: selectionForm(node.selectionSet),
      });
    } else if (node.kind === "FragmentDefinition") {
      fragments.push({
        Name: node.name.value,
        VariableDefinition: node.variableDefinitions?.map(variableForm),
        TypeCondition: node.typeCondition.name.value,
        Directives: node.directives?.map(directiveForm),
        SelectionSet: selectionForm(node.selectionSet),
      });
    } else throw new TypeError("not a query");
  }
  return pruned({ Operations: operations, Fragments: fragments }) as Form;
}

type VariableNode = NonNullable<
  Extract<DefinitionNode, { kind: "OperationDefinition" }>["variableDefinitions"]
>[number];

const variableForm = (node: VariableNode): Form => ({
  Variable: node.variable.name.value,
  Type: typeForm(node.type),
  DefaultValue: node.defaultValue === undefined ? null : valueForm(node.defaultValue),
  Directives: node.directives?.map(directiveForm),
  Used: false,
});

const directiveForm = (node: DirectiveNode | ConstDirectiveNode): Form => ({
  Name: node.name.value,
  Arguments: node.arguments?.map(({ name, value }) => ({ Name: name.value, Value: valueForm(value) })),
  Location: "",
});

function selectionForm(node: SelectionSetNode | undefined): Form[] {
  return (node?.selections ?? []).map((each): Form => {
    const Directives = each.directives?.map(directiveForm);
    switch (each.kind) {
      case "Field":
        return {
          Alias: each.alias?.value ?? each.name.value,
          Name: each.name.value,
          Arguments: each.arguments?.map(({ name, value }) => ({
            Name: name.value,
            Value: valueForm(value),
          })),
          Directives,
          SelectionSet: selectionForm(each.selectionSet),
        };
      case "FragmentSpread":
        return { Name: each.name.value, Directives };
      case "InlineFragment":
        return {
          TypeCondition: each.typeCondition?.name.value ?? "",
          Directives,
          SelectionSet: selectionForm(each.selectionSet),
        };
      default:
        throw new TypeError("an unknown selection");
    }
  });
}

function valueForm(node: ValueNode): Form {
  const form = (kind: (typeof valueKinds)[number], Raw: string, Children?: Form[]): Form => ({
    Raw,
    Children,
    Kind: valueKinds.indexOf(kind),
    ExpectedTypeHasDefault: false,
  });
  switch (node.kind) {
    case "Variable":
      return form("Variable", node.name.value);
    case "StringValue":
      return form(node.block === true ? "BlockValue" : "StringValue", node.value);
    case "BooleanValue":
      return form(node.kind, String(node.value));
    case "NullValue":
      return form(node.kind, "null");
    case "ListValue":
      return form(
        node.kind,
        "",
        node.values.map((value) => ({ Name: "", Value: valueForm(value) })),
      );
    case "ObjectValue":
      return form(
        node.kind,
        "",
        node.fields.map(({ name, value }) => ({ Name: name.value, Value: valueForm(value) })),
      );
    default:
      return form(node.kind, node.value);
  }
}

function typeForm(node: TypeNode, NonNull = false): Form {
  switch (node.kind) {
    case "NonNullType":
      return typeForm(node.type, true);
    case "ListType":
      return { NamedType: "", Elem: typeForm(node.type), NonNull };
    default:
      return { NamedType: node.name.value, NonNull };
  }
}

const inputForm = (node: InputValueDefinitionNode): Form => ({
  Description: node.description?.value ?? "",
  Name: node.name.value,
  DefaultValue: node.defaultValue === undefined ? null : valueForm(node.defaultValue),
  Type: typeForm(node.type),
  Directives: node.directives?.map(directiveForm),
});

const fieldForm = (node: FieldDefinitionNode): Form => ({
  Description: node.description?.value ?? "",
  Name: node.name.value,
  Arguments: node.arguments?.map(inputForm),
  Type: typeForm(node.type),
  Directives: node.directives?.map(directiveForm),
});

/** A schema document in OPA's form. */
export function schemaForm(document: DocumentNode): Form {
  const lists: Record<string, Form[]> = {
    Schema: [],
    SchemaExtension: [],
    Directives: [],
    Definitions: [],
    Extensions: [],
  };
  for (const node of document.definitions) {
    switch (node.kind) {
      case "SchemaDefinition":
      case "SchemaExtension":
        lists[node.kind === "SchemaDefinition" ? "Schema" : node.kind]?.push({
          Description: node.kind === "SchemaDefinition" ? (node.description?.value ?? "") : "",
          Directives: node.directives?.map(directiveForm),
          OperationTypes: node.operationTypes?.map(({ operation, type }) => ({
            Operation: operation,
            Type: type.name.value,
          })),
        });
        break;
      case "DirectiveDefinition":
        lists["Directives"]?.push({
          Description: node.description?.value ?? "",
          Name: node.name.value,
          Arguments: node.arguments?.map(inputForm),
          Locations: node.locations.map(({ value }) => value),
          IsRepeatable: node.repeatable,
        });
        break;
      default:
        lists[node.kind.endsWith("Extension") ? "Extensions" : "Definitions"]?.push(definitionForm(node));
    }
  }
  return pruned(lists) as Form;
}

function definitionForm(node: DefinitionNode): Form {
  const kind = definitionKinds[node.kind.replace(/(?:Definition|Extension)$/, "")];
  if (kind === undefined || !("name" in node)) throw new TypeError("not a schema");
  const of = node as typeof node & {
    readonly interfaces?: readonly { readonly name: { readonly value: string } }[];
    readonly types?: readonly { readonly name: { readonly value: string } }[];
    readonly fields?: readonly (FieldDefinitionNode | InputValueDefinitionNode)[];
    readonly values?: readonly {
      readonly name: { readonly value: string };
      readonly description?: { readonly value: string };
      readonly directives?: readonly ConstDirectiveNode[];
    }[];
  };
  return {
    Kind: kind,
    Description: "description" in node ? (node.description?.value ?? "") : "",
    Name: node.name?.value ?? "",
    Directives: (node.directives as readonly ConstDirectiveNode[] | undefined)?.map(directiveForm),
    Interfaces: of.interfaces?.map(({ name }) => name.value),
    Fields: of.fields?.map((field) =>
      field.kind === "FieldDefinition" ? fieldForm(field) : inputForm(field),
    ),
    Types: of.types?.map(({ name }) => name.value),
    EnumValues: of.values?.map(({ name, description, directives }) => ({
      Description: description?.value ?? "",
      Name: name.value,
      Directives: directives?.map(directiveForm),
    })),
    BuiltIn: false,
  };
}
