/** The JSON Schema of decision tables (`cases/*.yaml`); `sallyport policy new` writes it out for editors. */

const facts = { type: "object", description: "facts as in the policy input; @, @-10m, @+30d are times" };

const row = {
  type: "object",
  required: ["name", "ask", "of", "answer"],
  additionalProperties: false,
  properties: {
    name: { type: "string", minLength: 1, description: "what this case is about" },
    ask: { type: "string", description: "entrypoint: connect, publish, subscribe, command, grants..." },
    of: { type: "string", description: "name of a subject: the facts to start from" },
    given: { ...facts, description: "JSON merge patch on the subject: null deletes, lists replace" },
    empty: {
      type: "array",
      items: { type: "string" },
      description: "dotted paths that are there and null, which a merge patch cannot say",
    },
    answer: { type: "string", description: "the reason; it allows where the code is one of an allow" },
    duties: { type: "object", description: "obligations of the answer, as rendered; others may be there" },
    never: { type: "array", items: { type: "string" }, description: "obligations that must not be there" },
    findings: { type: "array", items: { type: "string" }, description: "all findings, in order" },
  },
};

/** Draft-07 words only: editors and Ajv know them. */
export const caseSchema: object = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "sallyport decision tables",
  type: "object",
  additionalProperties: false,
  properties: {
    at: { type: "integer", description: "unix seconds that @ stands for; one file of the folder says it" },
    subjects: {
      type: "object",
      description: "whole fact sets by name; `like` builds one on another",
      additionalProperties: { ...facts, properties: { like: { type: "string" } } },
    },
    cases: { type: "array", items: row },
  },
};
