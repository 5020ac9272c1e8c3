import type { Mutants } from "../laws/mutant.ts";

const file = "src/pdp/decide-consume.ts";

export const law: Mutants = {
  test: "test/pdp/decide-consume.test.ts",
  mutants: [
    {
      what: "a back-end is nobody's superior: an id that a device has as well",
      file,
      find: " && facts.device(deviceId) === undefined",
      replace: "",
    },
    {
      what: "a back-end publishes wherever it likes",
      file,
      find: 'if (!judged.decision.allow || (query.kind !== "publish" && will === undefined)) {',
      replace: "if (true) {",
    },
    {
      what: "a will may be a command",
      file,
      find: '(query.kind !== "publish" && will === undefined)',
      replace: 'query.kind !== "publish"',
    },
    {
      what: "an answer about a command is kept",
      file,
      find: ", valid_until: judged.asking.now }",
      replace: " }",
    },
    {
      what: "a command rests on its device alone",
      file,
      find: "rests_on: [...decision.rests_on, ...restsOn]",
      replace: "rests_on: [...decision.rests_on]",
    },
    {
      what: "a command is sent below another tenant's topic",
      file,
      find: "if (device !== undefined && device.tenant !== command.tenant)",
      replace: "if (false)",
    },
    {
      what: "any stream carries commands",
      file,
      find: ' || stream !== "cmd"',
      replace: "",
    },
    {
      what: "a credential that is revoked is not looked up",
      file,
      find: "credentials: entry === undefined ? {} : { [presented]: { status: entry.status } },",
      replace: 'credentials: entry === undefined ? {} : { [presented]: { status: "active" } },',
    },
    {
      what: "a filter is not judged, only whether it may be there",
      file,
      find: "    filter: filter ?? null,\n",
      replace: "    filter: null,\n",
    },
    {
      what: "the answer does not say what it rests on",
      file,
      find: "      joined.restsOn,\n",
      replace: "      [],\n",
    },
    {
      what: "a peer asks about any tenant's back-end",
      file,
      find: "if (isForeign(session.peer, joined.tenant))",
      replace: "if (false)",
    },
  ],
};
