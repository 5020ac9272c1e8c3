/** An update that lands gives back at once, on an attached broker, what the old version had lost (issue: the link back). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { type Attached, attach } from "../../src/client/client.ts";
import type { Decision } from "../../src/decision/decision.ts";
import { type Fleet, makeFleet, publishOf, serveFleet, subjectOf, until } from "../client/attached.ts";

const now = Math.floor(Date.now() / 1000);
/** Too old for its tenant's patch window, and measured to be wrong. */
const old = {
  firmware: { version: "2.3.5", key: 2_003_500 },
  attestation: {
    status: "contraindicated",
    vector: { executables: 96 },
    verifier: "veraison-prod",
    key_fingerprint: "fp-meter-0",
    appraised_at: now - 600,
    expires_at: now + 3600,
  },
};
const updated = { version: "2.5.0", key: 2_005_000, svn: 8 };
const affirmed = {
  ...old.attestation,
  status: "affirming",
  vector: { executables: 2 },
  appraised_at: now - 1,
};

describe("an update that lands", { timeout: 60_000 }, () => {
  let fleet: Fleet;
  let app: App;
  let broker: Attached;
  const hv = publishOf(subjectOf(0), "hv/energy");
  const ops = publishOf(subjectOf(0), "ops/temp");

  beforeAll(async () => {
    // No record file is read again by itself within the test: what arrives is what was put.
    fleet = makeFleet(3);
    fleet.write({ "meter-0": old });
    app = await serveFleet(fleet);
    broker = attach({ addresses: [app.grpcAddress], name: "broker", deadlineMs: 20_000 });
    await broker.ready(5000);
  });
  afterAll(async () => {
    await broker?.[Symbol.asyncDispose]();
    await app?.close();
    fleet?.[Symbol.dispose]();
  });

  /** Puts records in force; resolves when every attached client has acknowledged the change. */
  const report = async (meter: object): Promise<void> => {
    const before = app.attachments.position;
    fleet.write({ "meter-0": meter });
    await app.reload();
    const receipt = await app.attachments.receipt(before);
    expect(receipt).toMatchObject({ complete: true, pending: [], uncovered: [] });
    expect(receipt.evicted).toEqual([{ peer: "broker", client: "broker/0" }]);
  };
  /** Asks twice: the second answer is the broker's own memory. */
  const ask = async (query: typeof hv): Promise<Decision> => {
    const first = await broker.decide(query);
    expect(broker.decide(query)).toEqual({ ...first, cached: true });
    return first;
  };

  it("restores step by step: new evidence what it allows, new firmware the rest", async () => {
    const bystander = publishOf(subjectOf(1), "hv/energy");
    expect(await ask(bystander)).toMatchObject({ allow: true, reason: "ok" });
    expect(await ask(hv)).toMatchObject({ allow: false, reason: "attestation_failed" });
    expect(await ask(ops)).toMatchObject({ allow: false, reason: "attestation_failed" });

    // The device reports its new version; its old evidence still speaks against it.
    await report({ ...old, firmware: updated });
    expect(broker.decide(ops)).toBeInstanceOf(Promise);
    expect(await ask(ops)).toMatchObject({ allow: false, reason: "attestation_failed" });

    // The verifier appraises what runs now: everything is back, with the first question after the change.
    await report({ ...old, firmware: updated, attestation: affirmed });
    expect(await ask(ops)).toMatchObject({ allow: true, reason: "ok" });
    expect(await ask(hv)).toMatchObject({ allow: true, reason: "ok" });
    // Nobody else was forgotten for it.
    expect(broker.decide(bystander)).toMatchObject({ allow: true, cached: true });
  });

  it("gives back a subscription's session what it may have again, and takes it where an update is undone", async () => {
    const subject = subjectOf(0);
    const cmd = { kind: "subscribe", subject, filter: "t/acme/d/meter-0/cmd/#", qos: 0 } as const;
    const connect = await broker.decide({ kind: "connect", subject });
    expect(connect).toMatchObject({ allow: true });
    const revoked: string[] = [];
    const session = broker.session({
      subject,
      connect,
      onEnd: () => {},
      onRevoked: (filter) => revoked.push(filter),
    });
    expect(await broker.decide(cmd)).toMatchObject({ allow: true });
    session.subscribed(cmd.filter, 0);
    await until(() => app.attachments.sessions === 1);
    await report({ ...old, firmware: updated });
    expect(revoked).toEqual([cmd.filter]);
    expect(await broker.decide(cmd)).toMatchObject({ allow: false, reason: "attestation_failed" });
    await report({ ...old, firmware: updated, attestation: { ...affirmed, appraised_at: now } });
    expect(await broker.decide(cmd)).toMatchObject({ allow: true });
  });
});
