import type { Mutants } from "../laws/mutant.ts";

const joining = "src/registry/with-reports.ts";
const rights = "src/registry/write-rights.ts";

export const law: Mutants = {
  test: "test/registry/with-reports.test.ts",
  mutants: [
    {
      what: "a device's firmware counts without the operator's leave",
      file: joining,
      find: 'firmware !== undefined && provenance?.firmware === "device"',
      replace: "firmware !== undefined",
    },
    {
      what: "a device's readiness counts without the operator's leave",
      file: joining,
      find: 'readiness !== undefined && provenance?.readiness === "device"',
      replace: "readiness !== undefined",
    },
    {
      what: "a device takes away what was measured",
      file: joining,
      find: "const attested = device.firmware?.attested_key;",
      replace: "const attested = undefined;",
    },
    {
      what: "an older appraisal replaces a newer one",
      file: joining,
      find: "(known?.appraised_at ?? 0) <= (theirs?.appraised_at ?? 0)",
      replace: "true",
    },
    {
      what: "a bad report isolates nothing",
      file: joining,
      find: "if (report.invalid !== undefined)",
      replace: "if (false as boolean)",
    },
    {
      what: "a report of another tenant is joined",
      file: joining,
      find: "if (report.record.tenant !== stored.record.tenant) continue;",
      replace: "",
    },
    {
      what: "any source may speak as anybody",
      file: rights,
      find: 'origin !== "operator" && !key.startsWith(`report:${origin}/`)',
      replace: "false as boolean",
    },
    {
      what: "a device may say what a verifier says",
      file: "src/registry/record-validator.ts",
      find: 'report.origin === "device" ? own.verifier : own.device',
      replace: "([] as string[])",
    },
    {
      what: "a report is no change of its device",
      file: "src/registry/with-subjects.ts",
      find: 'key.startsWith("report:")',
      replace: "false as boolean",
    },
  ],
};
