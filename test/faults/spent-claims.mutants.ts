import type { Mutants } from "../laws/mutant.ts";

export const law: Mutants = {
  test: "test/faults/spent-claims.test.ts",
  name: "over HTTP|at the same time",
  mutants: [
    {
      what: "a broker's word that a claim is unused counts over its record",
      file: "src/pdp/join.ts",
      find: "return { ...credential, claim: { ...credential.claim, used: true } };",
      replace: "return credential;",
    },
    {
      what: "a claim that somebody else spent is allowed",
      file: "src/pdp/effects.ts",
      find: "if (!(await effects.spendClaim(fingerprint, session.deviceId))) return spent;",
      replace: "await effects.spendClaim(fingerprint, session.deviceId);",
    },
    {
      what: "a claim is spent again and again",
      file: "src/registry/duty-ledger.ts",
      find: "if (this.#claims.doesExist(fingerprint)) return false;",
      replace: "",
    },
    {
      what: "a claim is told of its spender alone",
      file: "src/app/facts.ts",
      find: 'registry.deviceIdsBy("fingerprint", fingerprint, undefined, mostHolders)',
      replace: "[]",
    },
    {
      what: "a source that forgets is not told again",
      file: "src/app/duties.ts",
      find: "({ ledger, records: registry, owes: owes(own, ledger) })",
      replace: "({ ledger, owes: owes(own, ledger) })",
    },
  ],
};
