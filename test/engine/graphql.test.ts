import { describe, expect, it } from "vitest";
import { graphqlBuiltins } from "../../src/engine/builtins/graphql.ts";
import { fromJson } from "../../src/engine/builtins/operands.ts";
import { type Term, termToJson } from "../../src/engine/term.ts";

const call = (name: string, ...args: readonly Term[]): unknown =>
  termToJson(graphqlBuiltins[`graphql.${name}`]?.(...args) as Term);

const schema = `
  "A person"
  type Person { id: ID!, friends(first: Int = 10): [Person!]! @deprecated(reason: "old") }
  type Query { person(id: ID!): Person }
  extend type Query { people: [Person] }
  enum Colour { RED GREEN }
  directive @mark(text: String) repeatable on FIELD | OBJECT
`;
const query =
  "query Q($id: ID! = 7) { p: person(id: $id) { ...f, friends { id } } } fragment f on Person { id }";

describe("graphql", () => {
  it("tells a query in OPA's form", () => {
    expect(call("parse_query", "{ a(x: [1, {y: RED}]) @skip(if: true) }")).toEqual({
      Operations: [
        {
          Operation: "query",
          Name: "",
          SelectionSet: [
            {
              Alias: "a",
              Name: "a",
              Arguments: [
                {
                  Name: "x",
                  Value: {
                    Raw: "",
                    Kind: 8,
                    ExpectedTypeHasDefault: false,
                    Children: [
                      { Name: "", Value: { Raw: "1", Kind: 1, ExpectedTypeHasDefault: false } },
                      {
                        Name: "",
                        Value: {
                          Raw: "",
                          Kind: 9,
                          ExpectedTypeHasDefault: false,
                          Children: [
                            { Name: "y", Value: { Raw: "RED", Kind: 7, ExpectedTypeHasDefault: false } },
                          ],
                        },
                      },
                    ],
                  },
                },
              ],
              Directives: [
                {
                  Name: "skip",
                  Location: "",
                  Arguments: [{ Name: "if", Value: { Raw: "true", Kind: 5, ExpectedTypeHasDefault: false } }],
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it("takes back its own form: text and form are judged alike", () => {
    const [queryForm, schemaForm] = [call("parse_query", query), call("parse_schema", schema)].map(fromJson);
    for (const [q, s] of [
      [query, schema],
      [queryForm, schema],
      [query, schemaForm],
      [queryForm, schemaForm],
    ] as [Term, Term][]) {
      expect(call("is_valid", q, s)).toBe(true);
      expect(call("schema_is_valid", s)).toBe(true);
      expect(call("parse_and_verify", q, s)).toEqual([
        true,
        termToJson(queryForm as Term),
        termToJson(schemaForm as Term),
      ]);
      expect(call("parse", q, s)).toEqual([termToJson(queryForm as Term), termToJson(schemaForm as Term)]);
    }
  });

  it.each([
    ["a field that is not there", "{ person(id: 1) { name } }"],
    ["an argument that is missing", "{ person { id } }"],
    ["a variable that is not used", "query Q($x: Int) { person(id: 1) { id } }"],
    ["no GraphQL", "{ person("],
  ])("refuses a query with %s", (_, wrong) => {
    expect(call("is_valid", wrong, schema)).toBe(false);
    expect(call("parse_and_verify", wrong, schema)).toEqual([false, {}, {}]);
    expect(() => call("parse", wrong, schema)).toThrow();
  });

  it.each([
    ["a type that is not there", "type Query { a: Nothing }"],
    ["a type twice", "type A { a: Int } type A { b: Int }"],
    ["a field twice", "type A { a: Int, a: Int }"],
    ["an input type as a field", "input I { a: Int } type A { i: I }"],
    ["an output type as an argument", "type A { a(b: A): Int }"],
    ["an interface that is not kept", "interface F { a: Int! } type A implements F { a: Int }"],
    ["a union of what is no object", "union U = Int"],
    ["a directive that is not there", "type A @nothing { a: Int }"],
    ["a directive at the wrong place", "type A @deprecated { a: Int }"],
    ["an input object that needs itself", "input I { i: I! }"],
    ["a reserved name", "type __A { a: Int }"],
    ["two schema definitions", "type Q { a: Int } schema { query: Q } schema { query: Q }"],
    ["a root that is not there", "schema { query: Q }"],
    ["an extension of another kind", "type A { a: Int } extend enum A { B }"],
  ])("refuses a schema with %s", (_, wrong) => {
    expect(call("schema_is_valid", wrong)).toBe(false);
    expect(call("is_valid", "{ a }", wrong)).toBe(false);
  });

  it("takes what gqlparser takes: no query type, extensions of nothing, an empty query", () => {
    expect(call("schema_is_valid", "type A { a: Int }")).toBe(true);
    expect(call("schema_is_valid", "extend type A { a: Int }")).toBe(true);
    expect(call("is_valid", " # nothing\n", "type A { a: Int }")).toBe(true);
    expect(call("parse_query", "")).toEqual({});
  });

  it("bounds what it reads, and is defined for any operand where OPA is", () => {
    expect(call("is_valid", `{ ${"a ".repeat(30_000)} }`, schema)).toBe(false);
    expect(call("is_valid", 7, schema)).toBe(false);
    expect(call("schema_is_valid", null)).toBe(false);
    expect(() => call("parse_query", 7)).toThrow();
  });
});
