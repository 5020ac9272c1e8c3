import type { Mutants } from "../laws/mutant.ts";

export const law: Mutants = {
  test: "test/services/sync-flow.test.ts",
  mutants: [
    {
      what: "a sender is read as fast as it sends",
      file: "src/services/sync-stream.ts",
      find: "if (writing !== undefined) await writing;",
      replace: "void writing;",
    },
  ],
};
