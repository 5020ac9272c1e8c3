import type { Mutants } from "../laws/mutant.ts";

export const law: Mutants = {
  test: "test/pdp/warming.test.ts",
  mutants: [
    {
      what: "what was answered ahead hears of changes",
      file: "src/pdp/pdp.ts",
      find: "this.#warming?.apply(change);",
      replace: "",
    },
    {
      what: "what was answered ahead is put in force with its policy",
      file: "src/pdp/activation.ts",
      find: "this.#warm?.loaded === loaded ? this.#warm.cache : undefined;",
      replace: "this.#warm?.cache;",
    },
    {
      what: "a kept subject of an earlier cache is not used",
      file: "src/cache/decision-cache.ts",
      find: "subject.dropped || subject.home !== this",
      replace: "subject.dropped",
    },
    {
      what: "the answers are those of the next policy",
      file: "src/pdp/warming.ts",
      find: "desk.snapshot = snapshot;",
      replace: "desk.snapshot = undefined;",
    },
  ],
};
