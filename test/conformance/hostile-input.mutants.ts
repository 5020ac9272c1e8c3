import type { Mutants } from "../laws/mutant.ts";

const session = "src/registry/sync-session.ts";

export const law: Mutants = {
  test: "test/conformance/hostile-input.test.ts",
  mutants: [
    {
      what: "a deletion may name anything",
      file: session,
      find: "key: readRecordKey(event.key)",
      replace: "key: event.key as never",
    },
    {
      what: "a record may be isolated under anything",
      file: "src/registry/parse-upsert.ts",
      find: "const named = readRecordKey(event.key);",
      replace: "const named = event.key as ReturnType<typeof readRecordKey>;",
    },
    {
      what: "what nothing orders is dropped as old",
      file: session,
      find: 'if ("revision" in event) checkPosition(event, this.#state === "live" && !opened);',
      replace: "",
    },
    {
      what: "a change may leave its revision out",
      file: "src/registry/check-position.ts",
      find: " && (!change || revision > 0)",
      replace: "",
    },
    {
      what: "a change may have any version",
      file: "src/registry/check-position.ts",
      find: " && isPosition(version)",
      replace: "",
    },
    {
      what: "a change may come after anything",
      file: "src/registry/check-position.ts",
      find: " && isPosition(prev)",
      replace: "",
    },
    {
      what: "a bucket swallows the snapshot that begins in it",
      file: session,
      find: "this.#told = false;\n    this.#repair = undefined;",
      replace: "this.#told = false;",
    },
    {
      what: "a bucket swallows what is sent again",
      file: session,
      find: "    // What it was sending is not gone on with: it begins again.\n    this.#repair = undefined;\n",
      replace: "",
    },
    {
      what: "a bucket may begin in a snapshot",
      file: session,
      find: 'if (this.#snapshot !== undefined || this.#state !== "live") return;',
      replace: "",
    },
    {
      what: "a snapshot may go on without end",
      file: session,
      find: "if (++this.#entries > mostRecords)",
      replace: "if (false)",
    },
    {
      what: "the first of two snapshots counts as well",
      file: session,
      find: 'before?.fail(new Fault("source_unavailable", "the source began its snapshot anew"));',
      replace: "",
    },
  ],
};
