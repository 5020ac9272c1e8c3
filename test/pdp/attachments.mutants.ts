import type { Mutants } from "../laws/mutant.ts";

const link = "src/pdp/attached-link.ts";

export const law: Mutants = {
  test: "test/pdp/attachments.test.ts",
  mutants: [
    {
      what: "a change that was told is taken for one that was acknowledged",
      file: link,
      find: "      this.#told.push({ position, records: concerned });",
      replace: "      this.#told.push({ position, records: concerned });\n      this.#forgotten(position);",
    },
    {
      what: "an answer that left after a change is forgotten with its acknowledgement",
      file: link,
      find: "interest.at < told.position",
      replace: "interest.at <= told.position",
    },
    {
      what: "what was promised for a time without any node ends with the stream",
      file: "src/pdp/attachments.ts",
      find: " || now < link.staticUntil",
      replace: "",
    },
    {
      what: "what was promised stays though the client has acknowledged",
      file: "src/pdp/attachments.ts",
      find: "if (standing.acknowledged < position)",
      replace: "if (position > 0)",
    },
    {
      what: "what was promised is not in the receipt",
      file: "src/pdp/attachments.ts",
      find: "for (const { key, until } of promised) add(key, until);",
      replace: "{}",
    },
  ],
};
