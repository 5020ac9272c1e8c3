import fc from "fast-check";
import { expect, it } from "vitest";
import { at, cutsOf, cutTable, modelOf, replaceAt, valuesAt } from "./clock.ts";
import { type Answer, evaluate, render } from "./harness.ts";
import { type Facts, merge } from "./tables.ts";
import { inputOf, models, now, twisted, twists } from "./twists.ts";

/** Every time fact of the connect input with its cuts, as `[path, offset]`. */
const cuts: readonly (readonly [string, number])[] = [
  ...new Map(
    Object.values(cutTable).flatMap((kinds) =>
      (kinds["connect"]?.time ?? []).flatMap(({ fact, at: offsets }) =>
        offsets.map((offset) => [`${fact} ${offset}`, [fact, offset] as const]),
      ),
    ),
  ).values(),
];

const question = fc.record({
  model: fc.constantFrom(...models),
  names: fc.subarray(Object.keys(twists), { maxLength: 4 }),
  will: fc.constantFrom("none", "ops", "sec", "hv", "ctl", "mgmt", "rec", "prov"),
  lifecycle: fc.constantFrom("active", "active", "active", "enrolled", "recovery", "safe_mode", "eol"),
  // Cuts that fall into the session.
  moves: fc.array(fc.record({ cut: fc.nat(cuts.length - 1), ahead: fc.integer({ min: 1, max: 500 }) }), {
    maxLength: 3,
  }),
});

/** What is left of each fact that FACTS names as a bound of a session, read from the facts alone (INV-09). */
function remaining(input: Facts, findings: readonly string[]): [string, number][] {
  const device = input["device"] as Facts;
  const state = device["state"] as Facts;
  const support = device["support"] as { readonly support_ends_at: number; readonly eol_at: number };
  const evidence = device["attestation"] as { readonly expires_at?: number } | null;
  const floor = input["fw_policy"] as { readonly patched_key: number; readonly patched_deadline: number };
  const { key } = device["firmware"] as { readonly key: number | null };
  const { not_after } = input["credential"] as { readonly not_after: number };
  const demanded = ["zero_trust", "safety_segmented"].includes(modelOf(input));
  // Evidence that is too old already bounds nothing: the session is one without it.
  const counts = state["lifecycle"] === "active" && !findings.includes("attestation_stale");
  return [
    ["credential", not_after - now],
    ["support", support.support_ends_at - now],
    ["end of life", support.eol_at - now],
    ...(demanded && counts ? [["evidence", (evidence?.expires_at ?? 0) - now] as [string, number]] : []),
    ...(key !== null && key < floor.patched_key
      ? [["time to patch", floor.patched_deadline - now] as [string, number]]
      : []),
  ];
}

type Question = typeof question extends fc.Arbitrary<infer Of> ? Of : never;

function asked({ model, names, will, lifecycle, moves }: Question): Facts | undefined {
  const facts = twisted(model, "connect", "ops", names);
  const id = String((facts["device"] as Facts)["id"]);
  const left = will === "none" ? null : { topic: `t/northgrid/d/${id}/${will}/x`, qos: 0, retain: false };
  const input = inputOf(
    "connect",
    merge(facts, { request: { will: left }, device: { state: { lifecycle } } }) as Facts,
  );
  return input === undefined
    ? undefined
    : moves.reduce<Facts>((of, { cut, ahead }) => {
        const [fact, offset] = cuts[cut] ?? ["now", 0];
        const path = fact.split(".");
        return valuesAt(of, path).length === 0 ? of : (replaceAt(of, path, now + ahead - offset) as Facts);
      }, input);
}

it("a session ends before any fact that it rests on: at each cut within it, it would still be granted (INV-09, INV-10)", () => {
  let granted = 0;
  let willed = 0;
  let crossed = 0;
  fc.assert(
    fc.property(question, (given) => {
      const input = asked(given);
      if (input === undefined) return;
      const answer = evaluate("sallyport/connect", input) as Answer;
      if (!answer.allow) return;
      const { session_ttl_s: ttl } = render(answer.obligations, now) as { readonly session_ttl_s: number };
      expect(ttl).toBeGreaterThanOrEqual(1);
      const within = cutsOf("connect", input, "step").filter((cut) => cut.at > now && cut.at < now + ttl);
      for (const [fact, left] of remaining(input, answer.findings)) {
        // What has ended already bounds nothing: the session is one without it.
        if (left > 0) expect(ttl, fact).toBeLessThanOrEqual(left);
      }
      granted += 1;
      crossed += within.length;
      if (given.will !== "none") willed += 1;
      for (const { name, at: moment } of [...within, { name: "its last second", at: now + ttl - 1 }]) {
        const later = evaluate("sallyport/connect", at(input, moment, "step")) as Answer;
        expect(later.allow, `${later.reason} after ${moment - now} of ${ttl} s: ${name}`).toBe(true);
      }
    }),
    { numRuns: Number(process.env["SESSION_RUNS"] ?? 3000) },
  );
  // What the property saw: sessions, sessions with a will, and moments within them at which something changed.
  expect(granted).toBeGreaterThan(700);
  expect(willed).toBeGreaterThan(300);
  expect(crossed).toBeGreaterThan(150);
}, 120_000);
