import type { Mutants } from "./mutant.ts";

export const law: Mutants = {
  test: "test/laws/freshness.test.ts",
  mutants: [
    {
      what: "a remembered answer is as old as all sources together",
      file: "src/pdp/decision-core.ts",
      find: "desk.asking(query, subject?.sources, now)",
      replace: "desk.asking(query, undefined, now)",
    },
    {
      what: "an answer is as old as all sources together when it is made",
      file: "src/pdp/decision-core.ts",
      find: "subject === cached ? asked : desk.asking(query, subject.sources, asked.now)",
      replace: "asked",
    },
    {
      what: "a command is as old as all sources together",
      file: "src/pdp/decision-core.ts",
      find: "const asking = desk.asking(query, joined.sources);",
      replace: "const asking = desk.asking(query);",
    },
    {
      what: "an update is as old as all sources together",
      file: "src/pdp/decide-ota.ts",
      find: "  asking = desk.asking(query, joined.sources, asking.now);\n",
      replace: "",
    },
    {
      what: "who could have had a record that is absent is not asked for",
      file: "src/pdp/reading.ts",
      find: '      this.#missing(kind, tenant, "operator");\n',
      replace: "",
    },
    {
      what: "a silent verifier is not missed",
      file: "src/pdp/reading.ts",
      find: '    this.#missing("report", device?.tenant, "verifier");\n',
      replace: "",
    },
    {
      what: "a device that is silent is not missed",
      file: "src/pdp/reading.ts",
      find: '    if (device === null || device.provenance !== undefined) this.#missing("report", device?.tenant, "device");',
      replace: "",
    },
    {
      what: "the first source counts, not the oldest",
      file: "src/registry/known-sources.ts",
      find: "if (age.asOfMs < asOfMs)",
      replace: "if (asOfMs === Number.POSITIVE_INFINITY)",
    },
    {
      what: "the sources found last serve every question",
      file: "src/registry/known-sources.ts",
      find: "if (names === this.#lastNames) return this.#last;",
      replace: "if (this.#lastNames !== undefined) return this.#last;",
    },
    {
      what: "whoever found a record absent is not told of a source that could bring it",
      file: "src/registry/registry.ts",
      find: "first || moved ||",
      replace: "first ||",
    },
    {
      what: "what one source claims could be of any",
      file: "src/registry/may-own.ts",
      find: "    if (claims(source, missing)) return [source.name];\n",
      replace: "",
    },
    {
      what: "the tenants of a source are not looked at",
      file: "src/registry/may-own.ts",
      find: "writes.tenants.includes(tenant))",
      replace: 'tenant !== "")',
    },
    {
      what: "a source of some tenants could bring what is no tenant's",
      file: "src/registry/may-own.ts",
      find: "!ofNoTenant.has(kind)",
      replace: "true",
    },
    {
      what: "a source without records counts only once it has some",
      file: "src/registry/may-own.ts",
      find: "(writes?.awaited === true || holds.records || holds.reports)",
      replace: "(holds.records || holds.reports)",
    },
    {
      what: "as whose word a source counts is not looked at",
      file: "src/registry/may-own.ts",
      find: "    writes.origin === origin &&\n",
      replace: "",
    },
  ],
};
