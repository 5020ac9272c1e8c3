import type { Mutants } from "./mutant.ts";

const file = "src/enforcement/storm-guard.ts";

export const law: Mutants = {
  test: "test/laws/storms.test.ts",
  mutants: [
    {
      what: "who was accepted is held up by guesses under the same name",
      file,
      find: "(this.#accepted.get(presented) !== undefined ||",
      replace: "(false ||",
    },
    {
      what: "guesses from elsewhere hold up a newcomer",
      file,
      find: "${attempt.address.length}:${attempt.address}${attempt.name}",
      replace: "${attempt.name}",
    },
    {
      what: "where no address is told, guesses of anybody count for the name",
      file,
      find: 'attempt.address === "" ||',
      replace: "",
    },
    {
      what: "evidence under one name is one bucket",
      file,
      find: "      add(evidence.secret);\n",
      replace: "",
    },
    {
      what: "evidence is put together without frames",
      file,
      find: "hmac.update(`${part.length}:`).update(part);",
      replace: "hmac.update(part);",
    },
    {
      what: "kinds of evidence are not told apart",
      file,
      find: "    add(evidence.type);\n",
      replace: "",
    },
    {
      what: "the same evidence is admitted without end",
      file,
      find: "this.#take(`evidence ${presented}`, this.#rates.perEvidence) &&",
      replace: "",
    },
    {
      what: "guesses are admitted without end",
      file,
      find: "this.#take(`name ",
      replace: "this.#take(`name ${presented} ",
    },
    {
      what: "whoever was accepted once is not slowed down at all",
      file,
      find: "return bucket.take(nowMs, 0) !== undefined;",
      replace:
        'return bucket.take(nowMs, 0) !== undefined || (key.startsWith("evidence") && this.#accepted.get(key.slice(9)) !== undefined);',
    },
  ],
};
