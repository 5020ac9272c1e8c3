import type { Mutants } from "./mutant.ts";

export const law: Mutants = {
  test: "test/laws/facts.test.ts",
  mutants: [
    {
      what: "a mandatory fact of the request may be missing",
      file: "src/pdp/projection.ts",
      find: 'else if (field.required) throw new FactDefect(field.path, "missing");',
      replace: "",
    },
    {
      what: "numbers may be anything",
      file: "src/pdp/projection.ts",
      find: 'if (typeof value !== "number" || value < least || value > most) throw new FactDefect(path, "mistyped");',
      replace: 'if (typeof value !== "number") return value;',
    },
    {
      what: "flags may be anything",
      file: "src/pdp/projection.ts",
      find: 'if (typeof value !== "boolean") throw new FactDefect(path, "mistyped");',
      replace: "",
    },
  ],
};
