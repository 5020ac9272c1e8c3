import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromWireDecision } from "../../src/client/from-wire.ts";
import type { Peer } from "../../src/decision/identity.ts";
import {
  type CheckEligibilityResponse,
  EligibilityAnswer,
  EligibilityServiceClient,
} from "../../src/gen/sallyport/v1/eligibility.ts";
import type { PeerDecider } from "../../src/pdp/pdp.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { Fault } from "../../src/runtime/fault.ts";
import type { GrpcListener } from "../../src/server/grpc-listener.ts";
import { eligibilityService } from "../../src/services/eligibility-service.ts";
import { FactsTable } from "../facts-table.ts";
import { listenFor } from "../listener.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer } from "../records.ts";
import { shippedSnapshot } from "../shipped.ts";
import { compare } from "./compare.ts";
import { store } from "./service.ts";
import { readTables, sharedTables } from "./table.ts";
import { worldOf } from "./world.ts";

const shared = sharedTables();
const answers: Readonly<Record<string, EligibilityAnswer>> = {
  ota_eligible: EligibilityAnswer.ELIGIBILITY_ANSWER_INSTALL,
  ota_eligible_remediation: EligibilityAnswer.ELIGIBILITY_ANSWER_INSTALL,
  ota_eligible_rollback: EligibilityAnswer.ELIGIBILITY_ANSWER_ROLLBACK,
};

/** One row's facts, clock and decider. */
interface Asked {
  readonly facts: FactsTable;
  readonly clock: ManualClock;
  readonly decider: PeerDecider;
}

describe.skipIf(shared === undefined)("rows of updates, asked of the listening EligibilityService", () => {
  const snapshot = shippedSnapshot();
  const rows = shared === undefined ? [] : readTables(shared).rows.filter(({ kind }) => kind === "ota");
  let asked: Asked | undefined;
  let listener: GrpcListener;
  let client: EligibilityServiceClient;
  const now = (): Asked => {
    if (asked === undefined) throw new Fault("internal", "no row is asked");
    return asked;
  };

  beforeAll(async () => {
    const service = eligibilityService({
      deciderOf: () => now().decider,
      facts: {
        device: (id) => now().facts.device(id),
        tenant: (id) => now().facts.tenant(id),
        firmwarePolicy: (tenant, deviceClass) => now().facts.firmwarePolicy(tenant, deviceClass),
        release: (id) => now().facts.release(id),
        rollout: (id) => now().facts.rollout(id),
        service: (id) => now().facts.service(id),
        freshness: () => now().facts.freshness(),
        revision: 1,
      },
      recorded: { rollout: (id) => now().facts.rollout(id) },
      idsAfter: () => [],
      releaseIds: () => [],
      snapshot: () => snapshot,
      clock: {
        now: () => now().clock.now(),
        wallMs: () => now().clock.wallMs(),
        monotonicMs: () => now().clock.monotonicMs(),
      },
      pausesOf: () => [],
      onGateFailed: () => {},
    });
    const peer: Peer = { ...brokerPeer, kinds: ["ota"] };
    listener = await listenFor(peer, service);
    client = new EligibilityServiceClient(listener.address, credentials.createInsecure());
  });
  afterAll(async () => {
    client.close();
    await listener.close(0);
  });

  it("reads them all", () => expect(rows.length).toBeGreaterThan(40));

  it.each(rows.map((row) => [row.id, row.title, row] as const))("%s %s", async (_id, _title, row) => {
    const world = worldOf(row.facts, (credential) => ({ type: "asserted", credential }), row.kind);
    const facts = new FactsTable();
    facts.synced = world.synced;
    facts.watermark = world.watermark;
    const clock = new ManualClock(world.now);
    const pdp = corePdp(facts, clock);
    pdp.activate(snapshot);
    store(facts, world.records);
    asked = { facts, clock, decider: pdp.decider(world.peer) };
    if (world.query.kind !== "ota") throw new Error("no question of updates");
    const { device_id, release } = world.query;
    const said = await new Promise<CheckEligibilityResponse>((resolve, reject) => {
      client.checkEligibility({ device_id, release }, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
    if (said.decision === undefined) throw new Error("no decision");
    const { actual, expected } = compare(
      row,
      fromWireDecision(said.decision, () => "d"),
    );
    expect(actual).toEqual(expected);
    const { answer, not_before, reason } = said.eligibility ?? {};
    expect(reason).toBe(row.reason);
    const hold = said.eligibility?.obligations?.retry_after_s;
    if (row.allow) expect(answer).toBe(answers[row.reason]);
    else if (hold === undefined) expect([3, 4]).toContain(answer);
    else expect({ answer, not_before }).toEqual({ answer: 3, not_before: world.now + hold });
  });
});
