import type { Mutants } from "../laws/mutant.ts";

const index = "src/registry/fingerprint-index.ts";

export const law: Mutants = {
  test: "test/registry/fingerprint-index.test.ts",
  mutants: [
    {
      what: "what a batch on its way has put is not seen by the next",
      file: index,
      find: "return unread === undefined ? this.get(hash) : idsIn(unread.text);",
      replace: "return this.get(hash);",
    },
    {
      what: "what was put is forgotten when the first of several batches is written",
      file: index,
      find: "if (unread !== undefined && --unread.batches === 0) this.#unread.delete(name);",
      replace: "this.#unread.delete(name);",
    },
    {
      what: "a run takes the place of what was written before it",
      file: index,
      find: "merged(this.#empty ? [] : this.get(hash), ids)",
      replace: "merged([], ids)",
    },
    {
      what: "an id that stands by itself is not removed",
      file: index,
      find: 'if (ids === "apart") return true;',
      replace: 'if (ids === "apart") return false;',
    },
    {
      what: "where there are many, those that were few are forgotten",
      file: index,
      find: '{ together: "apart", apart: ids }',
      replace: '{ together: "apart", apart: added }',
    },
  ],
};
