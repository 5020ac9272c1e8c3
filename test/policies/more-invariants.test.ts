import { describe, expect, it } from "vitest";
import { canonical } from "./clock.ts";
import { type Answer, decide, evaluate, instantiate, project } from "./harness.ts";
import { type Facts, isObject, merge, ownRows, type Row, sharedRows } from "./tables.ts";

const rows: readonly Row[] = [...ownRows, ...sharedRows];

/** Postures, credentials and evidence only get worse with age; what begins in the future or lapses is excepted. */
const ageing =
  /^(attestation_|firmware_|support_|compliance_|credential_(expired|inactive|ttl)|device_(eol|dormant|retired))/;

/** Times in the facts that are still ahead, but for the ends of what they belong to. */
function begins({ facts }: Row): boolean {
  const text = JSON.stringify(facts);
  const now = facts["now"] as number;
  return [...text.matchAll(/"(?:not_before|appraised_at|bound_at|started_at)":(\d+)/g)].some(
    ([, at]) => Number(at) > now,
  );
}

describe("invariants", () => {
  it("the same input gets the same answer, on every instance (INV-02)", async () => {
    const other = await instantiate();
    for (const { id, kind, facts } of rows) {
      const projected = project(kind, facts);
      if ("fault" in projected) continue;
      const entrypoint = `sallyport/${kind}`;
      const answer = canonical(evaluate(entrypoint, projected.input));
      expect(canonical(evaluate(entrypoint, projected.input)), id).toBe(answer);
      expect(canonical(other.evaluate(projected.input, entrypoint)[0]?.result), id).toBe(answer);
    }
  });

  it("age alone never mends posture, credential or evidence (INV-04)", () => {
    let denied = 0;
    for (const row of rows) {
      const before = decide(row.kind, row.facts);
      const device = row.facts["device"];
      const signals = isObject(device) && isObject(device["state"]) ? device["state"]["signals"] : [];
      const lapsing = Array.isArray(signals) && signals.length > 0;
      if (before.allow || !ageing.test(before.reason) || begins(row) || lapsing) continue;
      denied += 1;
      for (const later of [1, 60, 3600, 86_400, 40 * 86_400, 400 * 86_400]) {
        const now = (row.facts["now"] as number) + later;
        const moved = {
          now,
          registry: { watermark: now - 1 },
          request: { occurred_at: now, device_time: now },
        };
        const asked = merge(row.facts, moved) as Facts;
        expect(decide(row.kind, asked).allow, `${row.id} ${before.reason} +${later}`).toBe(false);
      }
    }
    expect(denied).toBeGreaterThan(40);
  });

  it("nothing is allowed across environments (INV-07)", () => {
    // An allowed request is in its environment; at an enforcement point of any other it must not be.
    for (const { id, kind, facts } of rows.filter((row) => decide(row.kind, row.facts).allow)) {
      for (const env of ["prod", "staging", "lab"]) {
        if ((facts["request"] as Facts)["env"] === env) continue;
        const asked = merge(facts, { request: { env } }) as Facts;
        expect(decide(kind, asked).allow, `${id} at ${env}`).toBe(false);
      }
    }
  });

  it("a denial of identity that never heals raises an alert, or is listed as silent (INV-12)", () => {
    const identity =
      /^(trust_domain_|environment_mismatch|tenant_mismatch|credential_(binding_mismatch|revoked|usage)|claim_(not_allowed|out_of_scope|spent)|device_retired)/;
    let told = 0;
    for (const { id, kind, facts } of rows) {
      const { reason, obligations }: Answer = decide(kind, facts);
      if (!identity.test(reason)) continue;
      told += 1;
      expect(obligations, `${id} ${reason}`).toHaveProperty("alert");
    }
    expect(told).toBeGreaterThan(20);
  });
});
