import type { Mutants } from "../laws/mutant.ts";

export const law: Mutants = {
  test: "test/pdp/bundle-pipeline.test.ts",
  mutants: [
    {
      what: "the threshold of approvals",
      file: "src/bundle/prove.ts",
      find: "return keys >= needed;",
      replace: "return keys > 0;",
    },
    {
      what: "an old bundle is refused",
      file: "src/pdp/check-sequence.ts",
      find: "if (sequence > from ||",
      replace: "if (sequence > 0 ||",
    },
    {
      what: "a rollback starts from the highest sequence",
      file: "src/bundle/letters.ts",
      find: "data.from === target.from &&",
      replace: "",
    },
    {
      what: "a rollback ends",
      file: "src/bundle/letters.ts",
      find: "now < data.exp;",
      replace: "true;",
    },
    {
      what: "a rollback takes a threshold of keys",
      file: "src/bundle/letters.ts",
      find: "by.length < keyset.threshold",
      replace: "by.length < 1",
    },
    {
      what: "the highest sequence outlives a restart",
      file: "src/pdp/bundle-pipeline.ts",
      find: "this.#floor = state.floor;",
      replace: "",
    },
    {
      what: "what was kept is proved as of then",
      file: "src/pdp/bundle-pipeline.ts",
      find: "this.#parts.rules(), state.activated_at)",
      replace: "this.#parts.rules(), this.#parts.clock.now())",
    },
  ],
};
