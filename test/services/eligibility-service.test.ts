import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type App, startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { RolloutRecord } from "../../src/decision/facts.ts";
import {
  type CheckEligibilityResponse,
  EligibilityServiceClient,
  type GetRolloutResponse,
  type StreamEligibilityRequest,
  type StreamEligibilityResponse,
} from "../../src/gen/sallyport/v1/eligibility.ts";
import type { Json } from "../cases/table.ts";
import { sallyport } from "../cli/run.ts";
import { certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { releaseRecord, rolloutRecord } from "../releases.ts";
import { shippedPath } from "../shipped.ts";

const now = Math.floor(Date.now() / 1000);
const devices = 300;
const patient = { timeout: 20_000, interval: 50 };

describe("the service of updates, fed from a file", { timeout: 90_000 }, () => {
  let dir: string;
  let app: App;
  let client: EligibilityServiceClient;
  let fleet: Map<string, unknown>;

  const put = async (): Promise<void> => {
    const lines = [...fleet].map(([key, record]) =>
      JSON.stringify({ kind: key.slice(0, key.indexOf(":")), record }),
    );
    writeFileSync(join(dir, "fleet.new"), `${lines.join("\n")}\n`);
    renameSync(join(dir, "fleet.new"), join(dir, "fleet.ndjson"));
    await app?.reload();
  };
  const check = (device_id: string, release = ""): Promise<CheckEligibilityResponse> =>
    new Promise((resolve, reject) => {
      client.checkEligibility({ device_id, release }, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
  const getRollout = (release: string, with_counts = false): Promise<GetRolloutResponse> =>
    new Promise((resolve, reject) => {
      client.getRollout({ release, with_counts }, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
  const stream = async (patch: Partial<StreamEligibilityRequest>): Promise<StreamEligibilityResponse[]> => {
    const empty = { release: "", filter: undefined, answers: [], page_size: 0, page_token: "" };
    const call = client.streamEligibility({ ...empty, summary_only: false, ...patch });
    const parts: StreamEligibilityResponse[] = [];
    for await (const part of call) parts.push(part as StreamEligibilityResponse);
    return parts;
  };
  const device = (id: string, patch: Json = {}): void =>
    void fleet.set(`device:${id}`, deviceRecord(id, now, patch));

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "sallyport-ota-"));
    fleet = new Map<string, unknown>([
      ["tenant:acme", tenantRecord("acme")],
      ["firmware_policy:acme/meter", floorRecord("acme", "meter", now)],
      ["release:rel-1", releaseRecord("rel-1", "ro-1", now)],
      ["rollout:ro-1", rolloutRecord("ro-1", now)],
    ]);
    for (let i = 0; i < devices; i++) device(`meter-${String(i).padStart(3, "0")}`);
    app = undefined as unknown as App;
    await put();
    const config = {
      grpc: { listen: "127.0.0.1:0" },
      http: { listen: "127.0.0.1:0" },
      bundle: { file: shippedPath, unsigned: "allow" },
      overrides: { initialize: true },
      registry: { dir: join(dir, "registry"), file: { path: join(dir, "fleet.ndjson"), poll_s: 60 } },
      peers: [
        {
          name: "ota",
          match: { loopback: true },
          env: "prod",
          region: "eu-west",
          endpoint: "ep-telemetry",
          tenants: ["*"],
          kinds: ["*", "admin"],
          may_assert: ["credential", "actor"],
        },
      ],
      decision_log: { sink: "none" },
      log: { level: "silent" },
    };
    writeFileSync(join(dir, "sallyport.json"), JSON.stringify(config));
    app = await startApp(loadConfig({ file: join(dir, "sallyport.json"), cwd: dir }));
    client = new EligibilityServiceClient(app.grpcAddress, credentials.createInsecure());
    await vi.waitFor(() => expect(app.missing()).toEqual([]), patient);
  });
  afterEach(async () => {
    client.close();
    await app.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it("answers for one device, a release or the best one, and for what nobody knows", async () => {
    const { decision, eligibility } = await check("meter-001", "rel-1");
    expect(eligibility).toMatchObject({ answer: 1, reason: "ota_eligible", release: "rel-1" });
    expect(eligibility?.obligations).toMatchObject({ artifact: "delta" });
    expect(decision?.decision_id).not.toBe("");
    expect((await check("meter-001")).eligibility).toMatchObject({ answer: 1, release: "rel-1" });
    expect((await check("nobody", "rel-1")).eligibility).toMatchObject({
      answer: 4,
      reason: "device_unknown",
    });
    expect((await check("meter-001", "rel-9")).eligibility).toMatchObject({
      answer: 3,
      reason: "ota_no_release",
    });
    await expect(getRollout("rel-9")).rejects.toThrow("there is no release");
  });

  it("streams the fleet in the order of ids, resumes where it was cut off, and counts", async () => {
    device("meter-007", { state: { lifecycle: "quarantined" } });
    await put();
    const whole = await stream({ release: "rel-1" });
    const items = whole.flatMap(({ part }) => (part?.$case === "batch" ? part.value.items : []));
    expect(items.map(({ device_id }) => device_id)).toEqual(
      [...fleet.keys()].filter((key) => key.startsWith("device:")).map((key) => key.slice(7)),
    );
    const last = whole.at(-1)?.part;
    expect(last).toMatchObject({
      $case: "summary",
      value: { devices, by_answer: { install: devices - 1, none: 1 }, page_token: "" },
    });
    const first = await stream({ release: "rel-1", page_size: 100 });
    const token =
      first.flatMap(({ part }) => (part?.$case === "summary" ? [part.value.page_token] : []))[0] ?? "";
    const rest = await stream({ release: "rel-1", page_token: token });
    const more = [...first, ...rest].flatMap(({ part }) => (part?.$case === "batch" ? part.value.items : []));
    expect(more.map(({ device_id }) => device_id)).toEqual(items.map(({ device_id }) => device_id));
    await expect(stream({ release: "", page_token: token })).rejects.toThrow("another release or filter");
  });

  it("pauses for good when a gate fails, until a person resumes it", async () => {
    const sick = rolloutRecord("ro-1", now) as { rings: { health: object }[] } & RolloutRecord;
    const rings = sick.rings.map((ring, i) =>
      i === 1 ? { ...ring, health: { ...ring.health, crash_free_ppm: 900_000 } } : ring,
    );
    fleet.set("rollout:ro-1", { ...sick, rings });
    await put();
    expect((await check("meter-001", "rel-1")).eligibility?.reason).toBe("ota_gate_failed");
    await vi.waitFor(async () => expect((await getRollout("rel-1")).pause?.by).toBe("sallyport"), patient);
    fleet.set("rollout:ro-1", rolloutRecord("ro-1", now));
    await put();
    expect((await check("meter-001", "rel-1")).eligibility).toMatchObject({
      answer: 3,
      reason: "ota_rollout_paused",
    });
    const env = { SALLYPORT_ADDRESS: app.grpcAddress };
    const shown = await sallyport(["rollout", "status", "rel-1", "--counts"], { env });
    expect(shown.stdout).toContain("ota_rollout_paused: paused here by sallyport");
    expect((await sallyport(["eligible", "meter-001"], { env })).code).toBe(2);
    const resumed = await sallyport(["rollout", "resume", "rel-1", "--reason", "measured again"], { env });
    expect(resumed).toMatchObject({ code: 0, stdout: "resumed ro-1\n" });
    expect((await sallyport(["eligible", "meter-001"], { env })).stdout).toContain("INSTALL");
    const paused = await sallyport(["rollout", "pause", "rel-1", "--reason", "lunch"], { env });
    expect(paused.stdout).toMatch(/^paused ro-1 \(o-\d+\)\n$/);
    expect((await check("meter-001", "rel-1")).eligibility?.reason).toBe("ota_rollout_paused");
  });

  it("an update that lands gives back at once what the old version had lost", async () => {
    const subject = {
      client_id: "meter-001",
      proof: { type: "asserted", credential: certificateFacts("meter-001", now) } as const,
    };
    const publish = () =>
      app.decider("ota").decide({
        kind: "publish",
        subject,
        topic: "t/acme/d/meter-001/hv/energy",
        qos: 0,
        retain: false,
      });
    device("meter-001", { firmware: { key: 2_003_500 } });
    await put();
    expect(await publish()).toMatchObject({ allow: false, reason: "firmware_outside_patch_window" });
    expect((await check("meter-001", "rel-1")).eligibility?.answer).toBe(1);
    device("meter-001", { firmware: { key: 2_005_000, svn: 8 } });
    await put();
    expect(await publish()).toMatchObject({ allow: true, reason: "ok", cached: false });
    expect((await check("meter-001", "rel-1")).eligibility).toMatchObject({
      answer: 4,
      reason: "ota_already_current",
    });
  });
});
