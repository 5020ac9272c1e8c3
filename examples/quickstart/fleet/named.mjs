// @ts-check
import { attested, bySecret, credential, device, domains, firmware, quarantined, state } from "./records.mjs";

/** Devices with a story, for the tour in the README. */
export const named = [
  device("meter-001", "acme", domains.acme, "meter", {
    credentials: {
      "fp-meter-001-a": credential({ status: "superseded", bound_at: "@-465d", last_used_at: "@-100d" }),
      "fp-meter-001": credential(),
    },
  }),
  device("meter-002", "acme", domains.acme, "meter", { firmware: firmware(2_003_000) }),
  device("meter-003", "acme", domains.acme, "meter", { state: state(quarantined("constrain", 2)) }),
  device("meter-004", "acme", domains.acme, "meter", {
    credentials: { "fp-meter-004": credential({ status: "revoked" }) },
  }),
  device("cam-3", "acme-zt", domains.acme, "camera", {
    credentials: { "fp-cam-3": credential({ bound_at: "@-20d", last_used_at: "@-5m" }) },
    attestation: attested("fp-cam-3", 1),
  }),
  device("cam-4", "acme-zt", domains.acme, "camera", {
    credentials: { "fp-cam-4": credential({ bound_at: "@-20d" }) },
  }),
  device("gw-01", "globex", domains.globex, "gateway", {
    attestation: attested("fp-gw-01", 30),
    children: 1,
    max_children: 200,
  }),
  device("gw-02", "globex", domains.globex, "gateway", {
    attestation: attested("fp-gw-02", 45),
    state: state(quarantined("constrain", 1)),
    children: 0,
    max_children: 200,
  }),
  device("leaf-77", "globex", domains.globex, "leaf", {
    via: ["gw-01", "gw-02"],
    credentials: { "fp-leaf-77": credential(bySecret("psk", "leaf-77-secret")) },
  }),
  device("pump-9", "hosp", domains.hosp, "pump", {
    credentials: {
      "fp-pump-9-t": credential({ bound_at: "@-5d", last_used_at: "@-1m", usage: "telemetry" }),
      "fp-pump-9-c": credential({ bound_at: "@-5d", last_used_at: "@-1m", usage: "control" }),
    },
    attestation: attested("fp-pump-9-t", 1, { verifier: "hosp-verifier" }),
  }),
  device("proto-7", "acme-lab", domains.lab, "sensor", {
    credentials: {
      "tok-proto": credential({
        bound_at: "@-10d",
        devices: 40,
        ...bySecret("shared_token", "proto-secret"),
      }),
    },
    firmware: firmware(1_007_003, { channel: "test" }),
  }),
];
