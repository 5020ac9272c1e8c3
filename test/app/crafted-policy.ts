/** Test support: the shipped policy, but for one input: a publish to a long topic makes it loop. */

import { Activation } from "../../src/pdp/activation.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { offerOf, releaseOf } from "../bundle/releases.ts";
import { FactsTable } from "../facts-table.ts";
import { loopingModule } from "../pdp/looping-module.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { shippedBundle } from "../shipped.ts";

/** A topic that makes it loop, below what the device may publish on. */
export const loopingStream = `ops/${"x".repeat(900)}`;

/** Whether the policy traps that should trap above an address, when it is asked about a short topic. */
async function traps(above: number): Promise<boolean> {
  const now = systemClock.now();
  const facts = new FactsTable();
  facts.watermark = now + 1000;
  facts.put("tenant:acme", tenantRecord("acme"));
  facts.put("firmware_policy:acme/meter", floorRecord("acme", "meter", now));
  facts.put("device:meter-0", deviceRecord("meter-0", now));
  const pdp = corePdp(facts, systemClock);
  using activation = new Activation(pdp, systemClock);
  const wasm = loopingModule(shippedBundle.wasm, "trap", above);
  const { bundle } = await offerOf(await releaseOf(1, { wasm }));
  try {
    activation.activate(bundle);
  } catch {
    return true;
  }
  const credential = certificateFacts("meter-0", now);
  const subject = { client_id: "meter-0", proof: { key: "proof", credential } };
  const { reason } = await pdp
    .decider(brokerPeer)
    .decide({ kind: "publish", subject, topic: "t/acme/d/meter-0/ops/temp", qos: 0, retain: false });
  return reason === "internal_error";
}

/** Its archive. Where a short question ends in memory is found by halving; a long one goes far beyond. */
export async function craftedRelease(sequence: number): Promise<Buffer> {
  let [low, high] = [0, 8 * 1024 * 1024];
  while (high - low > 200) {
    const middle = Math.floor((low + high) / 2);
    if (await traps(middle)) low = middle;
    else high = middle;
  }
  const wasm = loopingModule(shippedBundle.wasm, "loop", high + 700);
  return releaseOf(sequence, { wasm, files: { "cases.json": "[]" } });
}
