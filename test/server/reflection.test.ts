import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type App, startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { findGrpcurl, grpcurl } from "../grpcurl.ts";
import { certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { exampleKeysetPath, shippedPath } from "../shipped.ts";

const now = 1_800_000_000;
const present = findGrpcurl() !== undefined || Boolean(process.env["CI"]);

describe.skipIf(!present)(
  `a client that knows only what reflection says${present ? "" : " (NOT RUN: grpcurl)"}`,
  () => {
    let folder: string;
    let app: App;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "sallyport-reflection-"));
      const records = [
        { kind: "tenant", record: tenantRecord("acme") },
        { kind: "firmware_policy", record: floorRecord("acme", "meter", now) },
        { kind: "device", record: deviceRecord("meter-001", now) },
      ];
      writeFileSync(
        join(folder, "fleet.ndjson"),
        records.map((each) => `${JSON.stringify(each)}\n`).join(""),
      );
      const file = join(folder, "sallyport.json");
      writeFileSync(
        file,
        JSON.stringify({
          grpc: { listen: "127.0.0.1:0" },
          http: { listen: "127.0.0.1:0" },
          bundle: { file: shippedPath, keyset: exampleKeysetPath },
          overrides: { initialize: true },
          registry: { dir: join(folder, "registry"), file: { path: join(folder, "fleet.ndjson") } },
          peers: [
            {
              name: "broker",
              match: { loopback: true },
              env: "prod",
              region: "eu-west",
              endpoint: "ep-telemetry",
              tenants: ["*"],
              may_assert: ["credential"],
            },
          ],
          decision_log: { sink: "none" },
          log: { level: "silent" },
        }),
      );
      app = await startApp(loadConfig({ file, cwd: folder }), { clock: new ManualClock(now) });
    });
    afterAll(async () => {
      await app.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it("finds every service, health included", async () => {
      const services = await grpcurl(app.grpcAddress, "list");
      expect(services).toContain("sallyport.v1.DecisionService");
      expect(services).toContain("sallyport.v1.RegistryService");
      expect(services).toContain("grpc.health.v1.Health");
      expect(await grpcurl(app.grpcAddress, "grpc.health.v1.Health/Check", {})).toEqual({
        status: "SERVING",
      });
    });

    it("asks and understands the answer, maps included", async () => {
      const subject = {
        client_id: "meter-001",
        proof: { asserted: certificateFacts("meter-001", now) },
      };
      const check = { subject, topic: "t/acme/d/meter-001/ops/temp", qos: 0 };
      const method = "sallyport.v1.DecisionService/CheckPublish";
      expect(await grpcurl(app.grpcAddress, method, check)).toMatchObject({
        decision: { allow: true, reason: "ok" },
      });
      const status = await grpcurl(app.grpcAddress, "sallyport.v1.RegistryService/GetStatus", {});
      expect(status).toMatchObject({ records_by_kind: { device: "1", tenant: "1" } });
    });

    it("is told of a denial as an answer, and of a call that makes no sense as an error", async () => {
      const method = "sallyport.v1.DecisionService/CheckPublish";
      const unproven = { subject: { client_id: "meter-001" }, topic: "t/acme/d/meter-001/ops/temp", qos: 0 };
      expect(await grpcurl(app.grpcAddress, method, unproven)).toMatchObject({
        decision: { reason: "credential_missing", retry: "RETRY_CLASS_NEVER" },
      });
      const empty = grpcurl(app.grpcAddress, "sallyport.v1.DecisionService/BatchCheck", {});
      await expect(empty).rejects.toMatchObject({
        stderr: expect.stringContaining("`items` is empty") as string,
      });
    });
  },
);
