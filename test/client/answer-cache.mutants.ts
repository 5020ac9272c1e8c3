import type { Mutants } from "../laws/mutant.ts";

const cache = "src/client/answer-cache.ts";

export const law: Mutants = {
  test: "test/client/answer-cache.test.ts",
  mutants: [
    {
      what: "the last answer stands for questions of another shape",
      file: cache,
      find: "subject.lastText !== textOf(query) || subject.lastCode !== codeOf(query)",
      replace: "subject.lastText !== textOf(query)",
    },
    {
      what: "an answer has no end by the monotonic clock",
      file: cache,
      find: "if (sinceMonotonicMs >= subject.lastEndMonotonicMs) return undefined;",
      replace: "",
    },
    {
      what: "an answer has no end by the wall clock",
      file: cache,
      find: "if (wallMs - this.#originWallMs >= subject.lastEndWallMs) return undefined;",
      replace: "",
    },
    {
      what: "the answer before the last one is lost when a second question comes",
      file: cache,
      find: "if (last !== undefined) this.#store(subject.answers, lastCode, lastText, last);",
      replace: "",
    },
    {
      what: "a subject that was dropped keeps its last answer",
      file: cache,
      find: "      subject.lastText = undefined;\n      subject.lastDecision = undefined;",
      replace: "",
    },
    {
      what: "of two subjects that rest on one record one is forgotten",
      file: "src/client/memory.ts",
      find: "else if (held !== subject) this.#byRecord.set(key, new Set([held, subject]));",
      replace: "",
    },
  ],
};
