import fc from "fast-check";
import { expect, it } from "vitest";
import { type Answer, decide, evaluate, project } from "./harness.ts";
import { type Facts, isObject, merge, ownRows, type Row, sharedRows } from "./tables.ts";
import { entrypoints, models, twisted, twists } from "./twists.ts";

interface Grant {
  readonly action: "publish" | "subscribe";
  readonly effect: "allow" | "deny";
  readonly filter: string;
  readonly max_qos: number;
  readonly retain: boolean;
  readonly reason: string;
}

interface Grants extends Answer {
  readonly grants: readonly Grant[];
}

/** Whether every topic that `inner` matches is matched by `outer` (a grant: no wildcard but a last `#`). */
function contains(outer: string, inner: string): boolean {
  const base = outer.slice(0, -"/#".length);
  return inner === base || inner.startsWith(`${base}/`);
}

/** What a grant list says about one live message or filter. */
function granted(
  list: readonly Grant[],
  action: Grant["action"],
  topic: string,
  qos = 0,
  retain = false,
): Grant | undefined {
  const fits = list.filter((grant) => grant.action === action && contains(grant.filter, topic));
  if (fits.some(({ effect }) => effect === "deny")) return undefined;
  return fits.find((grant) => qos <= grant.max_qos && (!retain || grant.retain));
}

const streams = ["ops", "sec", "prd", "hv", "ctl", "cmd", "mgmt", "rec", "prov", "..", "", "OPS"];
const heads = ["t/northgrid/d/", "t/northgrid/b/", "t/southgrid/d/", "t/+/d/", "t/acme/d/", "t/acme/b/"];
const tails = ["", "/", "/x", "/x/y", "/+", "/#", "/x/#", "/+/z", "/a b"];

function grantsOf(facts: Facts): Grants | undefined {
  const projected = project("grants", facts);
  return "input" in projected ? (evaluate("sallyport/grants", projected.input) as Grants) : undefined;
}

function check(facts: Facts, action: Grant["action"], topic: string, qos: number, retain: boolean): Answer {
  const live = action === "publish" ? { topic, qos, retain } : { filter: topic };
  const request = { ...(merge(facts["request"], live) as Facts), occurred_at: null };
  return decide(action, { ...facts, request });
}

function names(facts: Facts): string[] {
  const device = facts["device"];
  return isObject(device)
    ? [String(device["id"]), String(device["class"]), "neighbour", "+", "#", ""]
    : ["x"];
}

function agree(facts: Facts, action: Grant["action"], topic: string, qos: number, retain: boolean): void {
  const grants = grantsOf(facts);
  if (grants === undefined) return;
  const one = check(facts, action, topic, qos, retain);
  const grant =
    /[+#]/.test(topic) && action === "publish"
      ? undefined
      : granted(grants.grants, action, topic, action === "publish" ? qos : 0, retain && action === "publish");
  expect(
    one.allow,
    `${action} ${topic} ${qos} ${String(retain)} ${one.reason} ${JSON.stringify(grants.grants)}`,
  ).toBe(grant !== undefined);
  if (grant !== undefined) expect(one.reason).toBe(grant.reason);
}

const question = fc.record({
  action: fc.constantFrom<Grant["action"]>("publish", "subscribe"),
  head: fc.constantFrom(...heads),
  name: fc.nat(),
  stream: fc.constantFrom(...streams),
  tail: fc.constantFrom(...tails),
  qos: fc.nat(2),
  retain: fc.boolean(),
});

function topicOf(
  {
    head,
    name,
    stream,
    tail,
  }: { readonly head: string; readonly name: number; readonly stream: string; readonly tail: string },
  facts: Facts,
): string {
  const all = names(facts);
  return `${head}${all[name % all.length] ?? ""}/${stream}${tail}`;
}

/** Filters that `contains` does not judge: malformed ones are denied by their single check whatever is granted. */
function wellFormed(filter: string): boolean {
  const levels = filter.split("/");
  return levels.every(
    (level, i) => level === "+" || (level === "#" ? i === levels.length - 1 : !/[+#]/.test(level)),
  );
}

it("a grant list and single checks never disagree: every row, generated topics and filters", () => {
  const rows: readonly Row[] = [...ownRows, ...sharedRows].filter((row) => row.kind !== "command");
  fc.assert(
    fc.property(
      fc.constantFrom(...rows),
      fc.array(question, { minLength: 4, maxLength: 4 }),
      (row, questions) => {
        for (const asked of questions) {
          const topic = topicOf(asked, row.facts);
          if (wellFormed(topic)) agree(row.facts, asked.action, topic, asked.qos, asked.retain);
        }
      },
    ),
    { numRuns: 500 },
  );
}, 120_000);

it("a grant list and single checks never disagree: twisted facts of every model", () => {
  const bent = fc.record({
    model: fc.constantFrom(...models),
    names: fc.subarray(Object.keys(twists), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(
      bent,
      fc.array(question, { minLength: 4, maxLength: 4 }),
      ({ model, names: bends }, questions) => {
        const facts = twisted(model, entrypoints[4] ?? "grants", "ops", bends);
        for (const asked of questions) {
          const topic = topicOf(asked, facts);
          if (wellFormed(topic)) agree(facts, asked.action, topic, asked.qos, asked.retain);
        }
      },
    ),
    { numRuns: 300 },
  );
}, 120_000);

it("the session beside the list is the one that connect grants", () => {
  for (const row of [...ownRows, ...sharedRows].filter(({ kind }) => kind === "connect")) {
    const request = row.facts["request"];
    if (isObject(request) && request["will"] !== undefined) continue;
    const grants = grantsOf(row.facts);
    const connect = decide("connect", row.facts);
    if (grants === undefined || connect.reason === "claim_spent") continue;
    const { consume_claim: _, ...obligations } = connect.obligations;
    expect({
      allow: grants.allow,
      reason: grants.reason,
      findings: grants.findings,
      obligations: grants.obligations,
    }).toEqual({
      allow: connect.allow,
      reason: connect.reason,
      findings: connect.findings.filter((code) => code !== "claim_spent"),
      obligations,
    });
  }
});
