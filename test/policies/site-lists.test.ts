/** Lists and single questions of a site whose topics say the stream first and have levels of a type: generated ones. */
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { siteOf } from "../../policies/site.ts";
import { type Answer, instantiate, project } from "./harness.ts";
import { type Facts, root, rowsOf } from "./tables.ts";

const folder = join(root, "examples", "rail");
const policy = await instantiate(undefined, siteOf(join(root, "policies"), folder) as Facts);
const rows = rowsOf(join(folder, "cases"));
const factsOf = (kind: string): Facts => rows.find((row) => row.kind === kind)?.facts as Facts;

interface Grant {
  readonly action: string;
  readonly filter: string;
}

function ask(kind: string, facts: Facts): Answer & { readonly grants: readonly Grant[] } {
  const projected = project(kind, facts);
  if ("fault" in projected) throw new Error(projected.fault);
  return policy.evaluate(projected.input, `sallyport/${kind}`)[0]?.result as never;
}

const asking = (facts: Facts, request: Facts, rest: Facts = {}): Facts => ({
  ...facts,
  ...rest,
  request: { ...(facts["request"] as Facts), ...request },
});

/** Whether every topic that `inner` matches is matched by `outer`; only exact filters are compared level by level. */
function takes(outer: string, inner: string): boolean {
  const [wide, narrow] = [outer.split("/"), inner.split("/")];
  const open = wide.at(-1) === "#";
  const fixed = open ? wide.slice(0, -1) : wide;
  if (open ? narrow.length < fixed.length : narrow.length !== fixed.length) return false;
  return fixed.every((level, at) => level === narrow[at] || (level === "+" && narrow[at] !== "#"));
}

const levels = [
  "tele",
  "alarm",
  "video",
  "order",
  "care",
  "nordbahn",
  "sudbahn",
  "locomotive",
  "wagon",
  "e-101",
];
const ends = ["front", "rear", "left", "A100", "A1", "x"];
const text = (wild: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    fc
      .tuple(fc.constantFrom("tele", "alarm", "order", "+"), fc.constantFrom(...ends, ...wild))
      .map(([stream, side]) => `rail/${stream}/nordbahn/locomotive/e-101/${side}`),
    fc.constantFrom(...ends, ...wild).map((code) => `alarm/nordbahn/e-101/${code}`),
    fc
      .tuple(
        fc.constantFrom("rail", "alarm", "cast", "t", ...wild),
        fc.array(fc.constantFrom(...levels, ...ends, ...wild), { minLength: 1, maxLength: 6 }),
      )
      .map(([head, rest]) => [head, ...rest].join("/")),
  );
const filters = fc.tuple(text(["+"]), fc.constantFrom("", "/#")).map(([head, tail]) => head + tail);

it("a device's list grants what single questions allow, but for the topics of a pattern, and never more", () => {
  const facts = factsOf("publish");
  const { grants } = ask("grants", facts);
  const seen = { listed: 0, single: 0, denied: 0 };
  fc.assert(
    fc.property(text([]), (topic) => {
      const { allow, reason } = ask("publish", asking(facts, { topic, qos: 0, retain: false }));
      const listed = grants.some(({ action, filter }) => action === "publish" && takes(filter, topic));
      seen[listed ? "listed" : allow ? "single" : "denied"] += 1;
      if (listed) expect(allow, `${topic} ${reason}`).toBe(true);
      else if (allow) expect(topic).toMatch(/^alarm\/nordbahn\/e-101\/[A-Z][0-9]{3}$/);
    }),
    { numRuns: 1000 },
  );
  expect(Math.min(seen.listed, seen.single, seen.denied), JSON.stringify(seen)).toBeGreaterThan(10);
}, 60_000);

it("a back-end's list and single questions never disagree, wherever the template has the stream", () => {
  const facts = factsOf("consume");
  const seen = { allowed: 0, denied: 0 };
  fc.assert(
    fc.property(fc.subarray(["traffic", "workshop", "film"]), filters, (roles, filter) => {
      const actor = { ...(facts["actor"] as Facts), roles: [...roles] };
      const { grants } = ask("consume", asking(facts, { filter: null }, { actor }));
      const { allow, reason } = ask("consume", asking(facts, { filter }, { actor }));
      seen[allow ? "allowed" : "denied"] += 1;
      expect(allow, `${filter} ${reason}`).toBe(grants.some((grant) => takes(grant.filter, filter)));
    }),
    { numRuns: 1000 },
  );
  expect(Math.min(seen.allowed, seen.denied), JSON.stringify(seen)).toBeGreaterThan(10);
}, 60_000);
