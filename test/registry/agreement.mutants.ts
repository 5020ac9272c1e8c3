import type { Mutants } from "../laws/mutant.ts";

export const law: Mutants = {
  test: "test/registry/agreement.test.ts",
  mutants: [
    {
      what: "what agreed once agrees for ever",
      file: "src/registry/agreement.ts",
      find: "if (this.#taken !== takenBy(feed)) this.#agreed.clear();",
      replace: "",
    },
    {
      what: "what agreed agrees with whatever is said next",
      file: "src/registry/agreement.ts",
      find: "this.#agreed.get(nameOf(said)) !== wordsOf(said)",
      replace: "!this.#agreed.has(nameOf(said))",
    },
    {
      what: "nothing is remembered",
      file: "src/registry/agreement.ts",
      find: "this.#agreed.set(nameOf(said), wordsOf(said));",
      replace: "",
    },
    {
      what: "the last slice of a bucket is not hashed",
      file: "src/registry/bucket-digest.ts",
      find: "from < lines.length; from += slice",
      replace: "from + slice < lines.length; from += slice",
    },
    {
      what: "lines are hashed as they come",
      file: "src/registry/bucket-digest.ts",
      find: "  lines.sort((a, b) => a.compare(b));\n",
      replace: "",
    },
  ],
};
