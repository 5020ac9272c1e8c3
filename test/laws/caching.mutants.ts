import type { Mutants } from "./mutant.ts";

export const law: Mutants = {
  test: "test/laws/caching.test.ts",
  mutants: [
    {
      what: "an answer outlives its next cut",
      file: "src/cache/guards.ts",
      find: "(validUntil === undefined || now < validUntil)",
      replace: "(validUntil === undefined || now <= validUntil)",
    },
    {
      what: "an answer holds before it begins (a clock that goes back)",
      file: "src/cache/guards.ts",
      find: "now >= answer.validFrom &&",
      replace: "",
    },
    {
      what: "the age of facts is not looked at",
      file: "src/cache/guards.ts",
      find: "lag >= drift.lagFrom &&\n    lag < drift.lagUntil &&",
      replace: "",
    },
    {
      what: "the age of a message is not looked at",
      file: "src/cache/guards.ts",
      find: "age >= drift.ageFrom &&\n    age < drift.ageUntil &&",
      replace: "",
    },
    {
      what: "the skew of a device clock is not looked at",
      file: "src/cache/guards.ts",
      find: "skew >= drift.skewFrom &&\n    skew < drift.skewUntil",
      replace: "true",
    },
    {
      what: "a changed record moves no epoch",
      file: "src/cache/epochs.ts",
      find: "    cell.n += 1;\n",
      replace: "",
    },
    {
      what: "a swap of the policy keeps the answers",
      file: "src/pdp/decision-core.ts",
      find: "    if (warm === undefined) this.cache.epochs.bumpAll();\n",
      replace: "",
    },
    {
      what: "retain is not part of the question",
      file: "src/pdp/request-facts.ts",
      find: "(query.retain ? retainedCodes : publishCodes)",
      replace: "publishCodes",
    },
    {
      what: "the peer is not part of the subject",
      file: "src/pdp/session.ts",
      find: "key: `${peer.name}|${identity.key}|",
      replace: "key: `${identity.key}|",
    },
    {
      what: "an absent record is not rested on",
      file: "src/pdp/reading.ts",
      find: "    this.restsOn.push(key);\n    if (stored === undefined) {",
      replace: "    if (stored !== undefined) this.restsOn.push(key);\n    if (stored === undefined) {",
    },
    {
      what: "answers before the first snapshot are remembered",
      file: "src/pdp/decision-core.ts",
      find: "if (!asking.synced || code === malformedCode)",
      replace: "if (code === malformedCode)",
    },
    {
      what: "the last interval of an answer is taken for the next one",
      file: "src/pdp/answer.ts",
      find: "if (valid !== undefined && now >= valid.from && now < valid.until) return valid;",
      replace: "if (valid !== undefined) return valid;",
    },
  ],
};
