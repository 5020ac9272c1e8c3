import type { Mutants } from "./mutant.ts";

const batch = "src/registry/delta-batch.ts";

export const law: Mutants = {
  test: "test/laws/sync.test.ts",
  mutants: [
    {
      what: "the version of a tombstone is forgotten",
      file: batch,
      find: "this.staged.get(key) ?? this.#inForce(key)",
      replace: "this.staged.get(key) ?? recordIn(this.#inForce(key))",
    },
    {
      what: "the version of a record is forgotten",
      file: batch,
      find: "Math.max(this.#floor, before?.version ?? 0)",
      replace: "this.#floor",
    },
    {
      what: "the floor of the last snapshot is forgotten",
      file: batch,
      find: "Math.max(this.#floor, before?.version ?? 0)",
      replace: "before?.version ?? 0",
    },
    {
      what: "a write that changes nothing has no version",
      file: batch,
      find: "this.staged.set(key, withVersion(held, version));",
      replace: "",
    },
    {
      what: "what is acknowledged is not in force yet",
      file: "src/registry/sync-session.ts",
      find: "if (this.#batch.length === 0) return;",
      replace:
        "if (this.#batch.length < 3) return void this.#options.reply({ type: 'ack', revision: this.#last });",
    },
    {
      what: "half a snapshot is in force",
      file: "src/registry/sync-session.ts",
      find: 'open?.fail(new Fault("source_unavailable", "the source ended in the middle of its snapshot"));',
      replace: "open?.fail(undefined as never);",
    },
  ],
};
