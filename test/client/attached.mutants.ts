import type { Mutants } from "../laws/mutant.ts";

export const law: Mutants = {
  test: "test/client/service-troubles.test.ts",
  mutants: [
    {
      what: "what may be gone on with is gone on with whatever the kind",
      file: "src/client/answer-cache.ts",
      find: "this.#alone?.has(kind) !== true",
      replace: "this.#alone === undefined",
    },
    {
      what: "a time without any node has no end by the wall clock",
      file: "src/client/answer-cache.ts",
      find: "if (wallMs - this.#originWallMs >= last.aloneEndWallMs) return undefined;",
      replace: "",
    },
    {
      what: "a node that is reached again ends nothing",
      file: "src/client/attach.ts",
      find: "    downSinceMs = undefined;\n    cache.heard();",
      replace: "    downSinceMs = undefined;",
    },
    {
      what: "an answer of another node counts for a session that is announced here",
      file: "src/client/session-book.ts",
      find: "if (home.up && !same) void this.#recheck(session);",
      replace: "",
    },
    {
      what: "answers count without a lease",
      file: "src/client/attached-stream.ts",
      find: "!(once || this.trusted)",
      replace: "false",
    },
    {
      what: "more may wait than fit",
      file: "src/client/attach.ts",
      find: "if (room.full)",
      replace: "if (room.full && closed)",
    },
    {
      what: "questions that nobody waits for stay in the queue",
      file: "src/client/attach.ts",
      find: "for (const stream of streams) stream.sweep();",
      replace: "",
    },
    {
      what: "a node that says nothing is never given up",
      file: "src/client/attached-stream.ts",
      find: "if (this.#silent > silentRenewals)",
      replace: "if (this.#silent > 1e6)",
    },
    {
      what: "a node that leaves batches without an answer is asked all the same",
      file: "src/client/attach.ts",
      find: "if (!stream.stalled(nowMs)) return stream;",
      replace: "return stream;",
    },
  ],
};
