/** Receipts of every kind of override, set and lifted over the API, with a client that is attached. */
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { type Attached, attach } from "../../src/client/client.ts";
import {
  AdminServiceClient,
  type LiftRequest,
  type LiftResponse,
  type Receipt,
  type SetOverrideResponse,
} from "../../src/gen/sallyport/v1/admin.ts";
import { type Fleet, makeFleet, publishOf, serveFleet, subjectOf, until } from "./attached.ts";

let fleet: Fleet;
let app: App;
let client: Attached;
let admin: AdminServiceClient;

beforeAll(async () => {
  fleet = makeFleet(10);
  app = await serveFleet(fleet);
  client = attach({ addresses: [app.grpcAddress], name: "broker", deadlineMs: 20_000 });
  admin = new AdminServiceClient(app.grpcAddress, credentials.createInsecure());
  await client.ready(30_000);
}, 120_000);

afterAll(async () => {
  admin?.close();
  await client?.[Symbol.asyncDispose]();
  await app?.close();
  fleet?.[Symbol.dispose]();
});

interface Wish {
  readonly kind: string;
  readonly target: { readonly kind: string; readonly id: string };
  readonly signal?: string;
  readonly mode?: string;
}

const set = ({ kind, mode = "", signal = "", target }: Wish): Promise<SetOverrideResponse> =>
  new Promise((resolve, reject) => {
    const override = { id: "", kind, target, mode, signal, reason: "t", by: "", since: 0, expires_at: 0 };
    admin.setOverride({ override, author: "", wait: true }, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  });
const lift = (what: Partial<LiftRequest>): Promise<LiftResponse> =>
  new Promise((resolve, reject) => {
    const whole = { id: "", target: undefined, kind: "", reason: "t", author: "", approvals: [], wait: true };
    admin.lift({ ...whole, ...what }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });

async function remembered(device: number, stream = "ops/temp") {
  const query = publishOf(subjectOf(device), stream);
  const first = await client.decide(query);
  expect(client.decide(query)).toMatchObject({ allow: first.allow, cached: true });
  return { query, first };
}
const covered = (receipt: Receipt | undefined): void => {
  expect(receipt).toMatchObject({ complete: true, pending: [], fenced: [], unreachable: [], uncovered: [] });
  expect(receipt?.evicted).toMatchObject([{ client: "broker/0" }]);
};

const device = (id: string) => ({ kind: "device", id });
const wishes: readonly [number, Wish, string][] = [
  [0, { kind: "quarantine", target: device("meter-0") }, "device_quarantined"],
  [1, { kind: "quarantine", target: device("meter-1"), mode: "block" }, "device_quarantined"],
  [2, { kind: "quarantine", target: { kind: "credential", id: "fp-meter-2" } }, "credential_revoked"],
  [3, { kind: "safe_mode", target: device("meter-3") }, "device_safe_mode"],
  [4, { kind: "signal", target: device("meter-4"), signal: "impossible_travel" }, "risk_quarantined"],
  // Commands are never remembered; what else rests on the record is asked about again all the same.
  [5, { kind: "disable_commands", target: device("meter-5") }, "ok"],
];

describe("an override that is set", { timeout: 60_000 }, () => {
  for (const [index, wish, reason] of wishes) {
    it(`has a receipt: ${wish.kind} of a ${wish.target.kind} ${wish.mode ?? ""}`, async () => {
      const { query } = await remembered(index);
      const ended: string[] = [];
      const connect = await client.decide({ kind: "connect", subject: query.subject });
      const session = client.session({
        subject: query.subject,
        connect,
        onEnd: (why) => ended.push(why),
        onRevoked: () => {},
      });
      const sessions = app.attachments.sessions;
      await until(() => app.attachments.sessions === client.metrics().sessions && sessions >= 0);
      const { act, receipt } = await set(wish);
      covered(receipt);
      const open = ended.length === 0;
      expect(receipt).toMatchObject({ sessions_closed: open ? 0 : 1, sessions_kept: open ? 1 : 0 });
      expect(open).toBe(wish.mode !== "block" && wish.target.kind !== "credential");
      // The law: nothing that was remembered is used after the receipt.
      const now = client.decide(query);
      expect(now).toBeInstanceOf(Promise);
      expect((await now).reason).toBe(reason);
      session.closed();
      expect(act?.overrides).toHaveLength(1);
    });
  }
});

describe("an override that is lifted", { timeout: 60_000 }, () => {
  it("has a receipt, and nobody goes on denying on what was", async () => {
    const target = device("meter-6");
    const allowed = await remembered(6, "hv/load");
    expect(allowed.first.reason).toBe("ok");
    covered((await set({ kind: "signal", target, signal: "odd" })).receipt);
    const denied = await remembered(6, "hv/load");
    expect(denied.first).toMatchObject({ allow: false, reason: "risk_downgraded" });
    const { receipt, remaining } = await lift({ target });
    covered(receipt);
    expect(remaining).toEqual([]);
    const now = client.decide(denied.query);
    expect(now).toBeInstanceOf(Promise);
    expect(await now).toMatchObject({ allow: true, reason: "ok" });
  });

  it("of a whole class has one for all that rests on it", async () => {
    const target = { kind: "class", id: "acme/meter" };
    await remembered(7);
    await remembered(8);
    covered((await set({ kind: "signal", target, signal: "odd" })).receipt);
    expect(client.metrics().subjects).toBe(0);
    await remembered(7);
    covered((await lift({ target })).receipt);
    expect(client.metrics().subjects).toBe(0);
  });
});
