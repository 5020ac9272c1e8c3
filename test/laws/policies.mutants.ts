import type { Mutants } from "./mutant.ts";

export const law: Mutants = {
  test: "test/laws/policies.test.ts",
  mutants: [
    {
      what: "a policy that cannot be put in force is counted as the one in force",
      file: "src/pdp/activation.ts",
      find: "    this.#pdp.activate(loaded.snapshot, warm);\n    this.#active = loaded;",
      replace: "    this.#active = loaded;",
    },
    {
      what: "the policy that comes into force is put away instead of the one before",
      file: "src/pdp/activation.ts",
      find: "before?.[Symbol.dispose]();",
      replace: "loaded[Symbol.dispose]();",
    },
    {
      what: "a swap keeps the answers of the revision before",
      file: "src/pdp/decision-core.ts",
      find: "    if (warm === undefined) this.cache.epochs.bumpAll();\n",
      replace: "",
    },
    {
      what: "an isolated record is taken for an absent one",
      file: "src/pdp/reading.ts",
      find: "      this.invalid ??= `${key}: ${stored.invalid}`;\n",
      replace: "",
    },
  ],
};
