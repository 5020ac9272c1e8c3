/** A second site, `examples/rail`: other topics, classes, streams, zones and commands on the same Wasm. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readArchive } from "../../policies/archive.ts";
import { buildBundle } from "../../policies/bundle.ts";
import { findOpa, runOpa } from "../../policies/opa.ts";
import { siteOf, withSite } from "../../policies/site.ts";
import { type Answer, data, instantiate, project } from "./harness.ts";
import { rowHolds } from "./mutant-checks.ts";
import { regoRow } from "./rows-data.ts";
import { type Facts, isObject, type Json, type Row, root, rowsOf } from "./tables.ts";

const policies = join(root, "policies");
const folder = join(root, "examples", "rail");
const site = siteOf(policies, folder) as Facts;
const rows = rowsOf(join(folder, "cases"));
const policy = await instantiate(undefined, site);
const opa = findOpa(root, process.env["CI"] !== undefined);
if (opa === undefined) console.log("NOT RUN: opa");

function evaluate(entrypoint: string, input: unknown): unknown {
  return policy.evaluate(input, entrypoint)[0]?.result;
}

function decide(kind: string, facts: Facts): Answer {
  const projected = project(kind, facts);
  if ("fault" in projected) return { allow: false, reason: projected.fault, findings: [], obligations: {} };
  return evaluate(`sallyport/${kind}`, projected.input) as Answer;
}

describe("decision tables of a railway, on the committed Wasm", () => {
  it.each(rows.map((row) => [row.title, row] as const))("%s", (_, row) => {
    const [asked] = regoRow(row);
    if (asked === undefined) throw new Error("the host answers this row before the policy");
    const answer = evaluate(`sallyport/${row.kind}`, asked.input);
    expect(answer, JSON.stringify(answer)).toMatchObject({
      allow: row.expect.allow,
      reason: row.expect.reason,
    });
    expect(rowHolds(asked, evaluate), JSON.stringify(answer)).toBe(true);
  });
});

interface Grant {
  readonly action: string;
  readonly filter: string;
  readonly max_qos: number;
  readonly retain: boolean;
}

/** Whether the grant's filter, which has no `+` here, takes the topic or contains the filter. */
function covers({ filter }: Grant, text: string): boolean {
  const base = filter.replace(/\/[#+]$/, "");
  if (filter.endsWith("/#")) return text === base || text.startsWith(`${base}/`);
  if (filter.endsWith("/+")) return text.startsWith(`${base}/`) && !/[/#]/.test(text.slice(base.length + 1));
  return text === filter;
}

it("a grant list never says more than single checks, and leaves out only what no filter can say", () => {
  let listed = 0;
  let beyond = 0;
  for (const row of rows.filter(({ kind }) => kind === "publish" || kind === "subscribe")) {
    const projected = project("grants", row.facts);
    if ("fault" in projected) continue;
    const { grants } = evaluate("sallyport/grants", projected.input) as { readonly grants: readonly Grant[] };
    const request = row.facts["request"] as Facts;
    const text = String(row.kind === "publish" ? request["topic"] : request["filter"]);
    const named = text.replace(/^\$share\/[^/]+\//, "");
    const wants = row.kind === "publish" ? request : { qos: 0, retain: false };
    const fits = grants.some(
      (grant) =>
        grant.action === row.kind &&
        covers(grant, named) &&
        (wants["qos"] as number) <= grant.max_qos &&
        (wants["retain"] !== true || grant.retain),
    );
    const single = decide(row.kind, row.facts).allow;
    if (fits) listed += 1;
    if (single && !fits) {
      beyond += 1;
      expect(named, row.title).toMatch(/^alarm\//);
    }
    if (fits) expect(single, row.title).toBe(true);
  }
  expect(listed).toBeGreaterThan(8);
  expect(beyond).toBeGreaterThan(0);
});

function without(value: Json, [head, ...rest]: readonly string[]): Json {
  if (!isObject(value) || head === undefined) return value;
  if (rest.length === 0) return Object.fromEntries(Object.entries(value).filter(([key]) => key !== head));
  return { ...value, [head]: without(value[head] ?? null, rest) };
}

function paths(value: Json, prefix: readonly string[] = []): string[][] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    [...prefix, key],
    ...paths(item as Json, [...prefix, key]),
  ]);
}

it("deleting one fact opens nothing here either", () => {
  const opened: string[] = [];
  let asked = 0;
  for (const row of rows.filter(({ expect: { allow } }) => !allow)) {
    const projected = project(row.kind, row.facts);
    if ("fault" in projected) continue;
    for (const path of paths(projected.input)) {
      if (/vector\.|playbook\./.test(path.join("."))) continue;
      asked += 1;
      const answer = evaluate(`sallyport/${row.kind}`, without(projected.input, path)) as Answer | undefined;
      if (answer?.allow === true) opened.push(`${row.title}: ${path.join(".")}`);
    }
  }
  expect(opened).toEqual([]);
  expect(asked).toBeGreaterThan(2000);
});

it("the two sites share no topic, class, stream or command", () => {
  const shipped = namesOf(data.site);
  const own = namesOf(site);
  expect([...own].filter((name) => shipped.has(name))).toEqual([]);
  expect(own.size).toBeGreaterThan(25);
});

/** A class and a command of the shipped site that are words of the facts too: a field, a kind of release. */
const words = new Set(["gateway", "decommission"]);

/** Names that are a site's: classes, streams, commands, zones, endpoints, roles and trust domains. */
function namesOf(of: Facts): Set<string> {
  const classes = Object.entries(of["classes"] as Facts) as [string, Facts][];
  const zones = Object.entries(of["zones"] as Facts) as [string, Facts][];
  return new Set([
    ...classes.flatMap(([name, { publish, subscribe, commands }]) => [
      name,
      ...(publish as string[]),
      ...(subscribe as string[]),
      ...Object.keys(commands as Facts),
    ]),
    ...Object.keys(of["common_commands"] as Facts),
    ...zones.flatMap(([name, { endpoints }]) => [name, ...(Object.values(endpoints as Facts) as string[])]),
    ...Object.values(of["command_roles"] as Facts).map(String),
    ...Object.values(of["approver_roles"] as Facts).map(String),
    ...Object.keys(of["trust_domains"] as Facts),
  ]);
}

it("no rule names what is a site's", () => {
  const files = readdirSync(policies, { recursive: true, encoding: "utf8" }).filter(
    // Invariants are statements about one site.
    (name) => name.endsWith(".rego") && !name.endsWith("_test.rego") && !name.startsWith("invariants"),
  );
  const names = new Set([...namesOf(data.site), ...namesOf(site)]);
  const named = files.flatMap((file) => {
    const code = readFileSync(join(policies, file), "utf8").replaceAll(/^\s*#.*$/gm, "");
    return [...code.matchAll(/"([^"]*)"/g)]
      .map(([, text = ""]) => text)
      .filter((text) => names.has(text) && !words.has(text))
      .map((text) => `${file}: ${text}`);
  });
  expect(named).toEqual([]);
  expect(files.length).toBeGreaterThan(25);
});

it("a site whose file has a key that nothing reads is refused", () => {
  expect(() => siteOf(policies, join(root, "test", "policies", "site-unread"))).toThrow(
    /no rule reads: topic$/,
  );
});

it.skipIf(opa === undefined)(
  "its bundle holds the very module that we ship, and its data passes the tests of policy data",
  async () => {
    if (opa === undefined) return;
    const [ours, theirs] = await withSite(policies, folder, async (dir) => {
      const flags = ["-b", "--ignore", "cases", "--ignore", "schemas", "--ignore", "*.ts"];
      // Other Rego tests are about the shipped site.
      const tests = ["--run", "data\\.sallyport\\.(data_test|lib\\.)"];
      expect(runOpa(opa, ["test", ...flags, ...tests, "."], dir)).toMatch(/^PASS: \d+\/\d+/m);
      const shipped = await readArchive(readFileSync(join(root, "bundles", "sallyport.tar.gz")));
      return [shipped, await buildBundle(opa, dir, 1)] as const;
    });
    expect(theirs.get("/policy.wasm")?.equals(ours.get("/policy.wasm") ?? Buffer.alloc(0))).toBe(true);
    expect(theirs.get("/data.json")?.equals(ours.get("/data.json") ?? Buffer.alloc(0))).toBe(false);
  },
  60_000,
);

/** Every kind is asked, and both answers given. */
it("the railway's tables ask every kind", () => {
  const answers = new Set(rows.map(({ kind, expect: { allow } }: Row) => `${kind} ${allow}`));
  expect(answers.size).toBe(10);
});
