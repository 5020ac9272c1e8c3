import type { Mutants } from "../laws/mutant.ts";

export const law: Mutants = {
  test: "test/registry/owed-duties.test.ts",
  mutants: [
    {
      what: "what is recorded before the start is not looked for",
      file: "src/registry/owed-duties.ts",
      find: "    this.#leave = leave;\n    this.#look(recorded(ledger));",
      replace: "    this.#leave = leave;",
    },
    {
      what: "nothing is looked for where everything changes",
      file: "src/registry/owed-duties.ts",
      find: 'else if (change.scope === "everything") this.#look(recorded(ledger));',
      replace: "",
    },
    {
      what: "a source that forgets is not told again",
      file: "src/registry/owed-duties.ts",
      find: "if (records !== undefined) leave.push(records.onChange(heard));",
      replace: "",
    },
    {
      what: "all are looked at in one go",
      file: "src/registry/owed-duties.ts",
      find: "        await giveWay();\n",
      replace: "",
    },
    {
      what: "a source is told of what others own",
      file: "src/registry/owes.ts",
      find: "return stored?.source === source ? stored : undefined;",
      replace: "return stored;",
    },
    {
      what: "a source is told what it says",
      file: "src/registry/owes.ts",
      find: "dutyOf(device, stored.record, marks) !== undefined",
      replace: "true",
    },
    {
      what: "a claim is spent for its spender alone",
      file: "src/registry/duty-ledger.ts",
      find: "new Set([deviceId, ...this.#holders(fingerprint)])",
      replace: "new Set([deviceId])",
    },
    {
      what: "claims of an earlier release concern nobody",
      file: "src/registry/duty-ledger.ts",
      find: "this.#spenders.putSync(value.device, 1);",
      replace: "void value;",
    },
    {
      what: "claims concern nobody",
      file: "src/registry/duty-ledger.ts",
      find: "this.#reentry.doesExist(deviceId) || this.#spenders.doesExist(deviceId)",
      replace: "this.#reentry.doesExist(deviceId)",
    },
  ],
};
