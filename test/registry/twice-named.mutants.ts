import type { Mutants } from "../laws/mutant.ts";

const file = "src/registry/twice-named.ts";

export const law: Mutants = {
  test: "test/registry/twice-named.test.ts",
  mutants: [
    {
      what: "members far below are counted twice",
      file,
      find: "members += Object.keys(each).length;",
      replace: "members += 2 * Object.keys(each).length;",
    },
    {
      what: "a record may be deeper than a stack",
      file,
      find: "if (depth > mostCalls) return membersBelow(value);",
      replace: "",
    },
  ],
};
