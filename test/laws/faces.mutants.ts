import type { Mutants } from "./mutant.ts";

export const law: Mutants = {
  test: "test/laws/faces.test.ts",
  mutants: [
    {
      what: "retain gets lost on the wire",
      file: "src/client/to-wire.ts",
      find: "retain: query.retain",
      replace: "retain: false",
    },
    {
      what: "a batch answers in another order",
      file: "src/services/decision-service.ts",
      find: "return { results };",
      replace: "return { results: results.reverse() };",
    },
    {
      what: "the end of an answer gets lost on the wire",
      file: "src/services/to-wire.ts",
      find: "valid_until: decision.valid_until",
      replace: "valid_until: undefined",
    },
  ],
};
