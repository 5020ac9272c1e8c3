import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, connect } from "../../src/client/client.ts";
import type { Decision } from "../../src/decision/decision.ts";
import type { Peer } from "../../src/decision/identity.ts";
import { Pdp, type PdpParts, type PeerDecider } from "../../src/pdp/pdp.ts";
import { defaultQueryLimits } from "../../src/pdp/query-check.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { Fault } from "../../src/runtime/fault.ts";
import type { GrpcListener } from "../../src/server/grpc-listener.ts";
import { decisionService } from "../../src/services/decision-service.ts";
import { FactsTable } from "../facts-table.ts";
import { listenFor } from "../listener.ts";
import { roomyCache } from "../pdp.ts";
import { shippedSnapshot } from "../shipped.ts";
import { compare } from "./compare.ts";
import { ownWorldRows } from "./own-rows.ts";
import { store } from "./service.ts";
import { type Row, readTables, sharedTables } from "./table.ts";
import { decidedRows, worldOf } from "./world.ts";

const everybody: Peer = {
  name: "table",
  env: "prod",
  region: "",
  endpoint: "",
  source_zone: "",
  tenants: ["*"],
  kinds: ["*"],
  may_assert: ["credential", "gateway", "actor", "approvals", "break_glass"],
};

/** Takes a peer's word, as the service does where its configuration says so. */
const wordOfPeer: PdpParts["prover"] = {
  prove: (evidence) =>
    evidence.type === "asserted"
      ? { identity: { key: JSON.stringify(evidence.credential), credential: evidence.credential } }
      : { refused: "only the peer's word counts here" },
  proveActor: async () => ({ refused: "only asserted actors count here" }),
  proveApproval: async () => ({ refused: "only asserted approvals count here" }),
};

const shared = sharedTables();

describe("decision rows, asked of a listening service over gRPC", () => {
  const snapshot = shippedSnapshot();
  const rows = shared === undefined ? [] : decidedRows(readTables(shared).rows);
  let decider: PeerDecider | undefined;
  let listener: GrpcListener;
  let client: Client;
  beforeAll(async () => {
    const deciderOf = (): PeerDecider => {
      if (decider === undefined) throw new Fault("internal", "no row is asked");
      return decider;
    };
    listener = await listenFor(
      everybody,
      decisionService({ deciderOf, limits: { filters: 64, batch: 256 } }),
    );
    client = connect({ address: listener.address, deadlineMs: 10_000 });
  });
  afterAll(async () => {
    await client[Symbol.asyncDispose]();
    await listener.close(0);
  });

  function ask(row: Row): Decision | Promise<Decision> {
    const world = worldOf(row.facts, (credential) => ({ type: "asserted", credential }), row.kind);
    const facts = new FactsTable();
    facts.synced = world.synced;
    facts.watermark = world.watermark;
    const pdp = new Pdp({
      facts,
      clock: new ManualClock(world.now),
      cacheLimits: roomyCache,
      queryLimits: defaultQueryLimits,
      prover: wordOfPeer,
      effects: { spendClaim: async () => true, markReentry: async () => {} },
      recorder: { evaluated: () => undefined, hit: () => {} },
      onFault: () => {},
    });
    pdp.activate(snapshot);
    store(facts, world.records);
    decider = pdp.decider(world.peer);
    return client.decide(world.query);
  }

  it("our own tables", async () => {
    for (const row of ownWorldRows) {
      const { expected, actual } = compare(row, await ask(row));
      expect(actual, `${row.id} ${row.title}`).toEqual(expected);
    }
    expect(ownWorldRows.length).toBeGreaterThan(300);
  }, 60_000);

  describe.skipIf(rows.length === 0)("handed from issue to issue", () => {
    it.each(rows.map((row) => [row.id, row.title, row] as const))("%s %s", async (_id, _title, row) => {
      const { expected, actual } = compare(row, await ask(row));
      expect(actual).toEqual(expected);
    });
  });
});
