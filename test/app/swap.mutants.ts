import type { Mutants } from "../laws/mutant.ts";

export const law: Mutants = {
  test: "test/app/swap.test.ts",
  mutants: [
    {
      what: "a watched policy is given the facts that questions share",
      file: "src/pdp/activation.ts",
      find: "return policy.evaluate(entrypoint, inputJson, shared);",
      replace: "return policy.evaluate(entrypoint, inputJson);",
    },
    {
      what: "every worker has the bundle before it is reported",
      file: "src/pdp/bundle-pipeline.ts",
      find: "await this.#parts.others?.commit(offer, since);",
      replace: "void this.#parts.others?.commit(offer, since);",
    },
    {
      what: "a replaced worker starts from the bundle in force",
      file: "src/app/worker-pool.ts",
      find: "this.#bundle = { digest, archive: offer.archive, activatedAt };",
      replace: "this.#bundle ??= { digest, archive: offer.archive, activatedAt };",
    },
  ],
};
