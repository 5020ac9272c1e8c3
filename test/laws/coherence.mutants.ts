import type { Mutants } from "./mutant.ts";

const lease = "src/coherence/client-lease.ts";
const standing = "src/coherence/link-standing.ts";

export const law: Mutants = {
  test: "test/laws/coherence.test.ts",
  mutants: [
    {
      what: "the wall clock is not looked at",
      file: lease,
      find: "wallMs - from.wallMs < this.#durationMs",
      replace: "true",
    },
    {
      what: "the monotonic clock is not looked at",
      file: lease,
      find: "monotonicMs - from.monotonicMs < this.#durationMs",
      replace: "true",
    },
    {
      what: "any renewal stands for the one that was answered",
      file: lease,
      find: "const sent = this.#pending.get(nonce);",
      replace: "const sent = [...this.#pending.values()].at(-1);",
    },
    {
      what: "the node does not wait for drift",
      file: standing,
      find: "nowMs + durationMs + marginMs",
      replace: "nowMs + durationMs",
    },
    {
      what: "the node fences before the lease has run out",
      file: standing,
      find: "nowMs >= at ?",
      replace: "nowMs >= at - 1000 ?",
    },
    {
      what: "an acknowledgement counts for a later change",
      file: standing,
      find: "position <= this.#acknowledged) return",
      replace: "position <= this.#acknowledged + 1) return",
    },
  ],
};
