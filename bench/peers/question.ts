/** The policy input of a plain publish, complete with its facts: what a policy engine without a registry is asked. */

import { ManualClock } from "../../src/runtime/clock.ts";
import { FactsTable } from "../../test/facts-table.ts";
import { corePdp } from "../../test/pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../../test/records.ts";
import { shippedSnapshot } from "../../test/shipped.ts";

/** A policy input, as far as the bench touches it. */
export interface PublishInput {
  readonly now: number;
  readonly registry: { readonly synced: boolean; readonly watermark: number };
  readonly request: Record<string, unknown>;
  readonly device: { readonly state: object } & Record<string, unknown>;
  readonly [part: string]: unknown;
}

/** Of the device `meter-001` of the tenant `acme` now. Throws where it is not allowed. */
export function inputOfPublish(): PublishInput {
  const now = Math.floor(Date.now() / 1000);
  const id = "meter-001";
  const facts = new FactsTable();
  facts.watermark = now;
  facts.put("tenant:acme", tenantRecord("acme"));
  facts.put("firmware_policy:acme/meter", floorRecord("acme", "meter", now));
  facts.put(`device:${id}`, deviceRecord(id, now));
  let input = "";
  const pdp = corePdp(facts, new ManualClock(now), undefined, ({ inputJson = "" }) => {
    input = inputJson;
  });
  pdp.activate(shippedSnapshot());
  const { allow } = pdp.decider(brokerPeer).decide({
    kind: "publish",
    subject: { client_id: id, proof: { key: id, credential: certificateFacts(id, now) } },
    topic: `t/acme/d/${id}/ops/temp`,
    qos: 0,
    retain: false,
  }) as { allow: boolean };
  if (!allow) throw new Error("the question of the bench is not allowed");
  return JSON.parse(input) as PublishInput;
}
