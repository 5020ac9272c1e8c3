import { credentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type CheckEligibilityResponse,
  EligibilityServiceClient,
  type GetRolloutResponse,
  type StreamEligibilityRequest,
  type StreamEligibilityResponse,
} from "../../src/gen/sallyport/v1/eligibility.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import type { GrpcListener } from "../../src/server/grpc-listener.ts";
import { eligibilityService } from "../../src/services/eligibility-service.ts";
import { FactsTable } from "../facts-table.ts";
import { listenFor } from "../listener.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer, deviceRecord, tenantRecord } from "../records.ts";
import { releaseRecord, rolloutRecord } from "../releases.ts";
import { shippedSnapshot } from "../shipped.ts";

const now = 1_800_000_000;
const fleet = 60_000;
const idOf = (i: number): string => `meter-${String(i).padStart(6, "0")}`;
const request: StreamEligibilityRequest = {
  release: "rel-1",
  filter: undefined,
  answers: [],
  page_size: 0,
  page_token: "",
  summary_only: false,
};

/** A fleet that is made as it is read, and counts the reading: the work of a stream. */
class CountingFacts extends FactsTable {
  reads = 0;

  override device(id: string): ReturnType<FactsTable["device"]> {
    this.reads += 1;
    return { key: `device:${id}`, revision: 1, record: deviceRecord(id, now) };
  }
}

describe("a stream over a large fleet", { timeout: 60_000 }, () => {
  let facts: CountingFacts;
  let releases: string[];
  let listener: GrpcListener;
  let client: EligibilityServiceClient;

  beforeEach(async () => {
    facts = new CountingFacts();
    releases = ["rel-1"];
    facts.watermark = now;
    facts.put("tenant:acme", tenantRecord("acme"));
    facts.put("release:rel-1", releaseRecord("rel-1", "ro-1", now));
    facts.put("rollout:ro-1", rolloutRecord("ro-1", now));
    const clock = new ManualClock(now);
    const snapshot = shippedSnapshot();
    const pdp = corePdp(facts, clock);
    pdp.activate(snapshot);
    const service = eligibilityService({
      deciderOf: (peer) => pdp.decider(peer),
      facts,
      recorded: facts,
      idsAfter: (after, limit) => {
        const from = after === undefined ? 0 : Number(after.slice(6)) + 1;
        return Array.from({ length: Math.max(0, Math.min(limit, fleet - from)) }, (_, i) => idOf(from + i));
      },
      releaseIds: () => releases,
      snapshot: () => snapshot,
      clock,
      pausesOf: () => [],
      onGateFailed: () => {},
    });
    listener = await listenFor({ ...brokerPeer, kinds: ["ota"] }, service);
    client = new EligibilityServiceClient(listener.address, credentials.createInsecure());
  });
  afterEach(async () => {
    client.close();
    await listener.close(0);
  });

  /** Reads of devices once nothing more is read for a while. */
  async function settled(): Promise<number> {
    for (let before = -1; before !== facts.reads; ) {
      before = facts.reads;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    return facts.reads;
  }

  it("stops its work when the call is cancelled", async () => {
    const call = client.streamEligibility(request);
    call.on("error", () => {});
    await new Promise((resolve) => call.once("data", resolve));
    call.cancel();
    const stopped = await settled();
    expect(stopped).toBeGreaterThan(0);
    expect(stopped).toBeLessThan(fleet / 2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(facts.reads).toBe(stopped);
  });

  it("waits for a reader who does not read, and goes on with one who does", async () => {
    const call = client.streamEligibility(request);
    const first = await new Promise<StreamEligibilityResponse>((resolve) => call.once("data", resolve));
    // From here on nobody reads: the windows of the call fill, and with them the work ends.
    call.pause();
    const ahead = await settled();
    expect(ahead).toBeGreaterThan(0);
    expect(ahead).toBeLessThan(fleet / 2);
    let items = first.part?.$case === "batch" ? first.part.value.items.length : 0;
    let devices = 0;
    for await (const { part } of call as AsyncIterable<StreamEligibilityResponse>) {
      if (part?.$case === "batch") items += part.value.items.length;
      if (part?.$case === "summary") devices = part.value.devices;
    }
    expect({ items, devices }).toEqual({ items: fleet, devices: fleet });
  });

  it("goes on from the token of the last batch that was read, and refuses tokens of others", async () => {
    const call = client.streamEligibility(request);
    call.on("error", () => {});
    const first = await new Promise<StreamEligibilityResponse>((resolve) => call.once("data", resolve));
    call.cancel();
    const token = first.part?.$case === "batch" ? first.part.value.page_token : "";
    const rest = client.streamEligibility({ ...request, page_token: token, page_size: 10 });
    const parts: StreamEligibilityResponse[] = [];
    for await (const part of rest as AsyncIterable<StreamEligibilityResponse>) parts.push(part);
    const [batch] = parts;
    expect(batch?.part?.$case === "batch" ? batch.part.value.items[0]?.device_id : "").toBe(idOf(256));
    const refused = (patch: Partial<StreamEligibilityRequest>): Promise<string> =>
      new Promise((resolve) => {
        const bad = client.streamEligibility({ ...request, ...patch });
        bad.on("data", () => {});
        bad.on("error", ({ message }) => resolve(message));
      });
    expect(await refused({ page_token: "garbage" })).toMatch(/INVALID_ARGUMENT.*`page_token` is none/);
    expect(await refused({ page_token: token, release: "rel-9" })).toMatch(/another release or filter/);
  });

  it("tells a rollout ring by ring, and releases that wait for each other, which no device is offered", async () => {
    const rollout = rolloutRecord("ro-1", now);
    const rings = rollout.rings.map((ring, i) =>
      i === 2
        ? { ...ring, opened_at: now - 60, percent_bp: 2500 }
        : i === 1
          ? { ...ring, opened_at: now - 90_000 }
          : ring,
    );
    facts.put("rollout:ro-1", { ...rollout, rings });
    const get = (release: string, with_counts = false): Promise<GetRolloutResponse> =>
      new Promise((resolve, reject) => {
        client.getRollout({ release, with_counts }, (error, answer) =>
          error === null ? resolve(answer) : reject(error),
        );
      });
    const shown = await get("rel-1", true);
    expect(shown.rings.map(({ open }) => open)).toEqual([true, true, true, false]);
    expect(shown.rings[3]?.hold).toMatchObject({ reason: "ota_gate_baking", until: now - 60 + 86_400 });
    // All of them are in the regional ring, a quarter of which is reached.
    const { devices, by_answer } = shown.rings[2] ?? {};
    expect(devices).toBe(fleet);
    expect((by_answer?.["install"] ?? 0) + (by_answer?.["hold"] ?? 0)).toBe(fleet);
    expect((by_answer?.["install"] ?? 0) / fleet).toBeCloseTo(0.25, 1);
    expect(shown.by_reason).toEqual({
      ota_eligible: by_answer?.["install"],
      ota_bucket_not_reached: by_answer?.["hold"],
    });

    const knot = { depends: { radio: 9_000_000 }, provides: { app: 9_000_000 } };
    facts.put("release:rel-2", { ...releaseRecord("rel-2", "ro-1", now), ...knot });
    facts.put("release:rel-3", {
      ...releaseRecord("rel-3", "ro-1", now),
      depends: { app: 9_000_000 },
      provides: { radio: 9_000_000 },
    });
    releases.push("rel-2", "rel-3");
    expect((await get("rel-2")).problems).toEqual([
      "its dependencies lead in a circle: rel-2 needs rel-3 needs rel-2",
    ]);
    expect((await get("rel-1")).problems).toEqual([]);
    const check = (release: string): Promise<CheckEligibilityResponse> =>
      new Promise((resolve, reject) => {
        client.checkEligibility({ device_id: idOf(1), release }, (error, answer) =>
          error === null ? resolve(answer) : reject(error),
        );
      });
    expect((await check("rel-2")).eligibility).toMatchObject({ answer: 4, reason: "ota_dependency_unmet" });
    // The best one is the one that leads somewhere.
    expect((await check("")).eligibility?.release).toBe("rel-1");
    await expect(get("rel-9")).rejects.toThrow("there is no release `rel-9`");
    facts.put("release:rel-4", { ...releaseRecord("rel-4", "ro-9", now) });
    expect(await get("rel-4")).toMatchObject({ state: "", holds: [{ reason: "ota_rollout_not_running" }] });
  });
});
