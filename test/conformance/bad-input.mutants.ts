import type { Mutants } from "../laws/mutant.ts";

const session = "src/registry/sync-session.ts";

export const law: Mutants = {
  test: "test/conformance/bad-input.test.ts",
  mutants: [
    {
      what: "a source is as fresh as it is heard, whatever it says of itself",
      file: session,
      find: "clock.monotonicMs() - Math.max(0, clock.now() - asOf) * 1000",
      replace: "clock.monotonicMs()",
    },
    {
      what: "a source that went back goes on from there",
      file: session,
      find: '      this.#state = "strayed";\n',
      replace: "",
    },
  ],
};
