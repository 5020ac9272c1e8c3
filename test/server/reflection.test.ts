import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findGrpcurl, grpcurl } from "../grpcurl.ts";
import { type QuickApp, startQuickApp } from "../quick-app.ts";
import { certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";

const now = 1_800_000_000;
const present = findGrpcurl() !== undefined || Boolean(process.env["CI"]);

describe.skipIf(!present)(
  `a client that knows only what reflection says${present ? "" : " (NOT RUN: grpcurl)"}`,
  () => {
    let running: QuickApp;
    let address: string;
    beforeAll(async () => {
      const records = [
        { kind: "tenant", record: tenantRecord("acme") },
        { kind: "firmware_policy", record: floorRecord("acme", "meter", now) },
        { kind: "device", record: deviceRecord("meter-001", now) },
      ];
      running = await startQuickApp(now, records, { tenants: ["*"], may_assert: ["credential"] });
      address = running.app.grpcAddress;
    });
    afterAll(() => running[Symbol.asyncDispose]());

    it("finds every service, health included", async () => {
      const services = await grpcurl(address, "list");
      expect(services).toContain("sallyport.v1.DecisionService");
      expect(services).toContain("sallyport.v1.RegistryService");
      expect(services).toContain("grpc.health.v1.Health");
      expect(await grpcurl(address, "grpc.health.v1.Health/Check", {})).toEqual({
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
      expect(await grpcurl(address, method, check)).toMatchObject({
        decision: { allow: true, reason: "ok" },
      });
      const status = await grpcurl(address, "sallyport.v1.RegistryService/GetStatus", {});
      expect(status).toMatchObject({ records_by_kind: { device: "1", tenant: "1" } });
    });

    it("is told of a denial as an answer, and of a call that makes no sense as an error", async () => {
      const method = "sallyport.v1.DecisionService/CheckPublish";
      const unproven = { subject: { client_id: "meter-001" }, topic: "t/acme/d/meter-001/ops/temp", qos: 0 };
      expect(await grpcurl(address, method, unproven)).toMatchObject({
        decision: { reason: "credential_missing", retry: "RETRY_CLASS_NEVER" },
      });
      const empty = grpcurl(address, "sallyport.v1.DecisionService/BatchCheck", {});
      await expect(empty).rejects.toMatchObject({
        stderr: expect.stringContaining("`items` is empty") as string,
      });
    });
  },
);
