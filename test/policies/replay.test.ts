import { expect, it } from "vitest";
import { composeLine } from "../../src/log/compose-event.ts";
import type { DecisionEvent, Evaluation } from "../../src/log/event.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { ownWorldRows } from "../cases/own-rows.ts";
import { store } from "../cases/service.ts";
import { worldOf } from "../cases/world.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp, roomyCache } from "../pdp.ts";
import { shippedBundle, shippedSnapshot } from "../shipped.ts";
import { canonical } from "./clock.ts";
import { evaluate, instantiate, render } from "./harness.ts";
import type { Facts } from "./tables.ts";

interface Logged extends DecisionEvent {
  readonly input?: Facts;
  readonly result?: { readonly allow: boolean; readonly reason: string; readonly obligations: Facts };
}

/** What the service wrote into its decision log for every own row. */
async function logged(): Promise<{ readonly events: Logged[]; readonly silent: number }> {
  const snapshot = shippedSnapshot();
  const events: Logged[] = [];
  let silent = 0;
  for (const row of ownWorldRows) {
    const world = worldOf(row.facts, (credential) => ({ key: canonical(credential), credential }), row.kind);
    const facts = new FactsTable();
    facts.synced = world.synced;
    facts.watermark = world.watermark;
    const seen: Evaluation[] = [];
    const pdp = corePdp(facts, new ManualClock(world.now), roomyCache, (record) => seen.push(record));
    pdp.activate(snapshot);
    store(facts, world.records);
    await pdp.decider(world.peer).decide(world.query);
    for (const evaluation of seen) {
      if (evaluation.inputJson === undefined) silent += 1;
      else events.push(JSON.parse(composeLine(evaluation, { id: "node-1" }, world.now * 1000)) as Logged);
    }
  }
  return { events, silent };
}

it("a decision log entry replays to the same decision (INV-15)", async () => {
  const { events, silent } = await logged();
  const replica = await instantiate();
  for (const { path, bundles, input, result, reason, registry_revision, decision_id } of events) {
    expect(bundles.sallyport.revision, decision_id).toBe(shippedBundle.revision);
    expect(Number.isInteger(registry_revision), decision_id).toBe(true);
    expect(result?.reason).toBe(reason);
    for (const again of [evaluate(path, input), replica.evaluate(input, path)[0]?.result] as NonNullable<
      Logged["result"]
    >[]) {
      // A claim that was spent, or a replayed message, is denied by the service after the policy allowed.
      if (reason === "claim_spent" || reason === "message_replayed") continue;
      const told = { allow: again.allow, reason: again.reason };
      expect(told, `${decision_id} ${path}`).toEqual({ allow: result?.allow, reason });
      const duties = render(again.obligations, (input as Facts)["now"] as number);
      for (const [name, value] of Object.entries(duties)) {
        if (value === true && name in (result?.obligations ?? {})) continue;
        expect(canonical(result?.obligations[name]), `${decision_id} ${path} ${name}`).toBe(canonical(value));
      }
    }
  }
  expect(events.length).toBeGreaterThan(280);
  expect(silent).toBeLessThan(30);
}, 60_000);

it("an entry whose input was edited does not (the replay can fail)", async () => {
  const { events } = await logged();
  const changed = events.filter(({ path, input, reason }) => {
    const edited = { ...input, registry: { synced: false, watermark: 0 } };
    return (evaluate(path, edited) as { readonly reason: string }).reason !== reason;
  });
  expect(changed.length).toBeGreaterThan(events.length / 2);
}, 60_000);
