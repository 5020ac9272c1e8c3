import type { Mutants } from "./mutant.ts";

export const law: Mutants = {
  test: "test/laws/eligibility.test.ts",
  name: "bulk eligibility equals|devices that differ|devices that look alike",
  mutants: [
    {
      what: "all devices are as old as the first one that was asked about",
      file: "src/eligibility/bulk.ts",
      find: "const words = wordsOf(device, word);",
      replace: 'const words = "";',
    },
    {
      what: "a device's own cuts do not end an answer",
      file: "src/eligibility/bulk.ts",
      find: "Math.min(scope.nextCut(this.#scene), scope.valid.until, stale)",
      replace: "Math.min(scope.valid.until, stale)",
    },
    {
      what: "facts that grow stale do not end an answer",
      file: "src/eligibility/bulk.ts",
      find: "Math.min(scope.nextCut(this.#scene), scope.valid.until, stale)",
      replace: "Math.min(scope.nextCut(this.#scene), scope.valid.until)",
    },
    {
      what: "the rollout's own moments do not end what is known",
      file: "src/eligibility/bulk.ts",
      find: "      this.#scene.now < valid.until &&\n",
      replace: "",
    },
    {
      what: "the gate that denied is known as one that passed",
      file: "src/eligibility/bulk.ts",
      find: "at === giver ? verdict : true",
      replace: "at === giver && verdict.allow ? verdict : true",
    },
    {
      what: "a clock that went back finds what was known later",
      file: "src/eligibility/bulk.ts",
      find: "      this.#scene.now >= valid.from &&\n",
      replace: "",
    },
    {
      what: "the bucket of one device is the next one's",
      file: "src/eligibility/scene.ts",
      find: "    this.#bucket = -1;\n    this.stamp += 1;",
      replace: "    this.stamp += 1;",
    },
    {
      what: "the bins of one device are the next one's",
      file: "src/eligibility/scene.ts",
      find: "    this.stamp += 1;",
      replace: "",
    },
    {
      what: "a value on a mark is taken for one below it",
      file: "src/eligibility/bins.ts",
      find: "for (const mark of marks) if (value >= mark) at += 1;",
      replace: "for (const mark of marks) if (value > mark) at += 1;",
    },
    {
      what: "a condition is not looked at",
      file: "src/eligibility/bins.ts",
      find: "for (const condition of conditions) if (condition.of(scene) === 0) return 0;",
      replace: "for (const condition of conditions) if (condition.of(scene) >= 0) return 0;",
    },
    {
      what: "a daily cut is found in UTC",
      file: "src/eligibility/next-cut.ts",
      find: "((((scene.now + shift - opens) % day) + day) % day)",
      replace: "((((scene.now - opens) % day) + day) % day)",
    },
  ],
};
