import type { Mutants } from "../laws/mutant.ts";

const session = "src/registry/sync-session.ts";
const open = "src/registry/open-snapshot.ts";

export const law: Mutants = {
  test: "test/conformance/registry.test.ts",
  mutants: [
    {
      what: "a snapshot may be older than what is in force",
      file: session,
      find: 'if (this.#state !== "lost" && revision < this.#last)',
      replace: "if (false)",
    },
    {
      what: "a gap before a change is not seen",
      file: session,
      find: "if (prev > this.#last) return this.#gap(prev);",
      replace: "",
    },
    {
      what: "changes behind a gap are taken",
      file: session,
      find: 'if (this.#state !== "live") return undefined;',
      replace: "",
    },
    {
      what: "a feed that has what was missing stays stopped",
      file: session,
      find: 'if (this.#state === "gapped" && prev > 0 && prev === this.#last) {',
      replace: "if (false) {",
    },
    {
      what: "changes count before anything of the epoch is in force",
      file: session,
      find: 'this.#state = position?.epoch === options.epoch ? "live" : "lost";',
      replace: 'this.#state = position === undefined ? "lost" : "live";',
    },
    {
      what: "a bookmark behind what was taken is fresh",
      file: session,
      find: 'if (revision < this.#last) {\n      this.#state = "strayed";',
      replace: "if (false) {",
    },
    {
      what: "a bookmark ahead of what was taken is fresh",
      file: session,
      find: "if (revision > this.#last) {",
      replace: "if (false) {",
    },
    {
      what: "a bookmark counts whatever its digests say",
      file: session,
      find: "if (digests.length > 0 && !(await this.#agreement.with(digests, feed, reply))) return;",
      replace: "",
    },
    {
      what: "a clock that goes back is not told of",
      file: session,
      find: "if (asOf < this.#asOf) feed.clockWentBack(asOf, this.#asOf);",
      replace: "",
    },
    {
      what: "after a snapshot the feed stands where it stood",
      file: session,
      find: "this.#last = open.revision;",
      replace: "",
    },
    {
      what: "what was refused is not told",
      file: session,
      find: "    tellRejected(batch, outcomes, revisions, reply);\n",
      replace: "",
    },
    {
      what: "a snapshot may stand still for ever",
      file: session,
      find: 'open?.fail(new Fault("source_unavailable", "the snapshot stands still"));',
      replace: "undefined;",
    },
    {
      what: "a bucket that is sent again mends nothing",
      file: session,
      find: "const outcomes = await feed.apply(deltas, { epoch, revision: this.#last });",
      replace: "const outcomes = await feed.apply([], { epoch, revision: this.#last });",
    },
    {
      what: "a snapshot may have another count than its end says",
      file: open,
      find: "count !== this.#count\n",
      replace: "false\n",
    },
    {
      what: "a snapshot may differ from its checksum",
      file: open,
      find: 'checksum !== "" && checksum !== `sha256:${this.#hash.digest("hex")}`',
      replace: "false",
    },
    {
      what: "records of a snapshot have no version",
      file: open,
      find: "const version = event.version || event.revision || this.revision;",
      replace: "const version = 0;",
    },
    {
      what: "a record of a snapshot that is not taken is not told of",
      file: open,
      find: "if (reason !== undefined)",
      replace: "if (false)",
    },
    {
      what: "a bucket that came incomplete deletes what it lacks",
      file: "src/registry/bucket-repair.ts",
      find: "if (count !== this.#deltas.length) return undefined;",
      replace: "",
    },
    {
      what: "a bucket deletes what is of another one",
      file: "src/registry/bucket-repair.ts",
      find: "!this.#keys.has(key) && bucketOf(key) === this.bucket",
      replace: "true",
    },
  ],
};
