import type { Mutants } from "../laws/mutant.ts";

const directory = "src/app/sessions-of-all.ts";

export const law: Mutants = {
  test: "test/brokers/workers.test.ts",
  name: "EMQX before two workers",
  mutants: [
    {
      what: "a worker knows only whom it let in itself",
      file: "src/app/worker-process.ts",
      find: "      exchange: (broker) => sessionExchange(this.#primary, this.#start.number, broker, systemClock),\n",
      replace: "",
    },
    {
      what: "every worker tells the broker",
      file: directory,
      find: "if (entry?.session.id !== id || entry.ending !== undefined) return false;",
      replace: "if (entry?.session.id !== id) return true;",
    },
    {
      what: "nobody takes over what a worker leaves behind",
      file: directory,
      find: "if (this.#handing || this.#orphans.size === 0) return;",
      replace: "if (this.#orphans.size >= 0) return;",
    },
    {
      what: "what is taken over is not judged again",
      file: "src/app/worker-process.ts",
      find: "if (adopted !== undefined) void point.review(adopted);",
      replace: "",
    },
    {
      what: "a kick that waits in one worker hits the session that came after it",
      file: "src/enforcement/enforcement-point.ts",
      find: "    this.kicks?.cancel(key);\n",
      replace: "",
    },
  ],
};
