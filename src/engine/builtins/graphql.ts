/** `graphql.*`: parsing and validation by the reference implementation, told in OPA's form. */
import type * as graphql from "graphql";
import type { DocumentNode, GraphQLSchema } from "graphql";
import { type Term, termToJson } from "../term.ts";
import type { BuiltinTable } from "./builtin.ts";
import { type Form, queryForm, schemaForm } from "./graphql-form.ts";
import { builtInDirectiveNames, checkSchema, mergedSchema } from "./graphql-schema.ts";
import { queryText, schemaText } from "./graphql-text.ts";
import { library } from "./library.ts";
import { fromJson, isMap, text } from "./operands.ts";

const reference = library<typeof graphql>("graphql");

// Documents are texts of policies, most often the same ones again.
const maxTokens = 20_000;

/** Nothing but what GraphQL ignores: OPA takes it for a document without definitions. */
const empty = /^(?:[\s,\ufeff]|#[^\n\r]*)*$/;

function parse(source: string): DocumentNode {
  const { parse: read, Kind } = reference();
  if (empty.test(source)) return { kind: Kind.DOCUMENT, definitions: [] };
  return read(source, { noLocation: true, allowLegacyFragmentVariables: true, maxTokens });
}

const formOf = (term: Term): Form => termToJson(term) as Form;

const queryOf = (term: Term | undefined): DocumentNode =>
  parse(isMap(term) ? queryText(formOf(term)) : text(term));

const parsedSchema = (source: string): Form => schemaForm(parse(source));

const schemaOf = (term: Term | undefined): Form => (isMap(term) ? formOf(term) : parsedSchema(text(term)));

/** A schema to validate with. @throws TypeError where it is not sound */
function usable(form: Form): GraphQLSchema {
  const merged = mergedSchema(form);
  checkSchema(form, merged);
  const own = (merged["Directives"] as readonly Form[] | undefined) ?? [];
  const document = parse(
    schemaText({
      ...merged,
      Directives: own.filter((each) => !builtInDirectiveNames.has(String(each["Name"]))),
    }),
  );
  return reference().buildASTSchema(document, { assumeValid: true, assumeValidSDL: true });
}

/** @throws TypeError where the query does not fit the schema */
function validate(schema: GraphQLSchema, query: DocumentNode): void {
  const [first] = reference().validate(schema, query);
  if (first !== undefined) throw new TypeError(first.message);
}

/** Query and schema in OPA's form. @throws where one of them is not sound */
function verified(query: Term | undefined, schema: Term | undefined): [query: Term, schema: Term] {
  const document = queryOf(query);
  const form = schemaOf(schema);
  validate(usable(form), document);
  return [
    fromJson(queryForm(document)),
    fromJson(isMap(schema) ? schemaForm(parse(schemaText(form))) : form),
  ];
}

function holds(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

/** Builtins on GraphQL. */
export const graphqlBuiltins: BuiltinTable = {
  "graphql.parse": (query, schema) => [...verified(query, schema)],
  "graphql.parse_and_verify": (query, schema) => {
    try {
      return [true, ...verified(query, schema)];
    } catch {
      return [false, new Map(), new Map()];
    }
  },
  "graphql.parse_query": (query) => fromJson(queryForm(parse(text(query)))),
  "graphql.parse_schema": (schema) => fromJson(parsedSchema(text(schema))),
  "graphql.is_valid": (query, schema) =>
    holds(() => {
      validate(usable(schemaOf(schema)), queryOf(query));
    }),
  "graphql.schema_is_valid": (schema) =>
    holds(() => {
      usable(schemaOf(schema));
    }),
};
