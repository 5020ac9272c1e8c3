import type { Mutants } from "../laws/mutant.ts";

const standing = "src/coherence/link-standing.ts";

export const law: Mutants = {
  test: "test/coherence/link-standing.test.ts",
  mutants: [
    {
      what: "an answer on its way delays no change",
      file: standing,
      find: "return this.#refused ? this.#trust(nowMs) : 0;",
      replace: "return this.#refused ? this.#terms.durationMs : 0;",
    },
    {
      what: "answers may be acted on without a lease while leases are granted",
      file: standing,
      find: "return this.#refused ? this.#trust(nowMs) : 0;",
      replace: "return this.#trust(nowMs);",
    },
  ],
};
