/**
 * Inputs in which every gate can matter: a healthy subject per model and entrypoint, bent by twists. A twist is a
 * merge patch that brings a rule into play; together they make each cut visible somewhere.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { project } from "./harness.ts";
import { absolute, type Facts, isObject, type Json, merge, root } from "./tables.ts";

export const now = 1_770_000_000;

const { subjects } = parse(readFileSync(join(root, "policies", "cases", "subjects.yaml"), "utf8")) as {
  readonly subjects: Readonly<Record<string, Facts>>;
};

function subject(name: string): Json {
  const { like, ...own } = subjects[name] ?? {};
  return typeof like === "string" ? merge(subject(like), own) : own;
}

const byModel: Readonly<Record<string, string>> = {
  shared_credential: "bench_sensor",
  device_pki: "meter",
  gateway_mediated: "valve",
  zero_trust: "camera",
  safety_segmented: "pump",
};

export const models: readonly string[] = Object.keys(byModel);
export const entrypoints: readonly string[] = [
  "connect",
  "publish",
  "subscribe",
  "command",
  "ota",
  "grants",
  "consume",
];

const gateway = subject("valve") as Facts;

const evidence = {
  status: "affirming",
  vector: { instance_identity: 2, executables: 2, hardware: 2 },
  verifier: "veraison-prod",
  appraised_at: "@-1m",
  expires_at: "@+10m",
};

/** Merge patches by name; `"@"` is {@link now}. */
export const twists: Readonly<Record<string, Facts>> = {
  plain: {},
  evidence: { tenant: { attestation_for_hv: true }, device: { attestation: evidence } },
  gateway_class: { device: { class: "gateway", attestation: evidence } },
  lost_trust: { device: { state: { reentry_required_since: "@-400d" }, attestation: evidence } },
  lost_trust_to_rebind: {
    device: { state: { reentry_required_since: "@-400d" }, attestation: { ...evidence, status: "none" } },
  },
  quarantine_signal: { device: { state: { signals: [{ type: "geo_jump", expires_at: "@+1m" }] } } },
  downgrade_signal: { device: { state: { signals: [{ type: "flood", expires_at: "@+1m" }] } } },
  waiver: { device: { compliance: { status: "non_compliant", exception: { expires_at: "@+1m" } } } },
  unpatched: { device: { firmware: { key: 2_999_999 } }, fw_policy: { patched_deadline: "@+1m" } },
  unused_key: { device: { credentials: { "*": { last_used_at: 0 } } } },
  unbound_key: { device: { credentials: { "*": { bound_at: 0 } } } },
  via: {
    request: { via: "gw-a" },
    device: { via: ["gw-a"] },
    gateway: gateway["gateway"] ?? null,
    gateway_fw_policy: gateway["gateway_fw_policy"] ?? null,
  },
  gateway_key: {
    gateway_credential: {
      type: "x509",
      trust_domain: "prod.devices.acme.example",
      device_id: "gw-a",
      tenant: "northgrid",
      fingerprint: "sha256:ga",
      not_before: "@-1h",
      not_after: "@+1h",
      key_protection: "tpm",
      usage: "telemetry",
    },
  },
  gateway_fits: { gateway: { attestation: { appraised_at: "@-1m" } } },
  gateway_lost_trust: { gateway: { state: { reentry_required_since: "@-400d" } } },
  gateway_no_evidence: { gateway: { attestation: { status: "none" } } },
  gateway_signal: { gateway: { state: { signals: [{ type: "geo_jump", expires_at: "@+1m" }] } } },
  gateway_waiver: { gateway: { compliance: { status: "non_compliant", exception: { expires_at: "@+1m" } } } },
  gateway_unpatched: {
    gateway: { firmware: { key: 6_999_999 } },
    gateway_fw_policy: { patched_deadline: "@+1m" },
  },
  gateway_unused_key: { gateway: { credentials: { "sha256:ga": { last_used_at: 0 } } } },
  gateway_unbound_key: { gateway: { credentials: { "sha256:ga": { bound_at: 0 } } } },
  mgmt_endpoint: { request: { endpoint: "ep-mgmt" } },
  service: { actor: { type: "service", mfa: false } },
  support: {
    actor: { tenant: "*", roles: ["operator", "command_high", "platform_support"] },
    tenant: { support_access_until: "@+1m" },
  },
  break_glass: {
    actor: { roles: ["operator", "command_high", "break_glass"] },
    approvals: [],
    break_glass: { ticket: "INC-1", started_at: "@-1m", expires_at: "@+1m" },
  },
};

const campaign = subject("update_meter") as Facts;

/** An offer of the update subject's campaign that fits the device. */
function offered(facts: Facts, stream: string): Facts {
  const device = facts["device"] as Facts;
  const own = campaign["device"] as Facts;
  return merge(facts, {
    device: {
      home_region: "eu-north",
      hw_rev: "b",
      firmware: (own["firmware"] ?? null) as Json,
      ota: (own["ota"] ?? null) as Json,
    },
    tenant: { ota_hold: false },
    release: merge(campaign["release"], {
      env: (facts["request"] as Facts)["env"] ?? "",
      classes: [device["class"] ?? ""],
      ...(stream === "mgmt" ? { kind: "remediation" } : {}),
    }),
    rollout: merge(campaign["rollout"], {
      owner_approvals: ["owner"],
      ...(stream === "ops" ? { window: { from: 3600, to: 7200 } } : {}),
    }),
  }) as Facts;
}

function question(entrypoint: string, facts: Facts, stream: string): Facts {
  const device = facts["device"] as Facts;
  const own = `t/northgrid/d/${String(device["id"])}`;
  if (entrypoint === "publish") return { topic: `${own}/${stream}/x` };
  if (entrypoint === "subscribe") return { filter: `${own}/${stream === "ops" ? "cmd" : stream}/#` };
  if (entrypoint === "connect")
    return stream === "hv" ? { will: { topic: `${own}/hv/x`, qos: 0, retain: false } } : {};
  if (entrypoint === "consume")
    return stream === "mgmt" ? { filter: null } : { filter: `t/northgrid/d/+/${stream}/#` };
  if (entrypoint === "command")
    return { command: stream === "mgmt" ? "diag.collect" : stream === "hv" ? "decommission" : "config.get" };
  return {};
}

const actor = {
  id: "ann",
  type: "human",
  tenant: "northgrid",
  roles: ["operator", "command_high"],
  mfa: true,
};

/** Applies a patch's `"*"` credential to every credential of the device. */
function spread(facts: Facts): Facts {
  const device = facts["device"];
  if (!isObject(device) || !isObject(device["credentials"])) return facts;
  const { "*": all, ...entries } = device["credentials"];
  if (all === undefined) return facts;
  const credentials = Object.fromEntries(
    Object.entries(entries).map(([key, entry]) => [key, merge(entry, all)]),
  );
  return { ...facts, device: { ...device, credentials } };
}

/** A gateway of the device's own trust domain, with a key that the model takes. */
function neighbouring(facts: Facts, model: string): Facts {
  const domain = { trust_domain: (facts["device"] as Facts)["trust_domain"] ?? "" };
  const type = model === "shared_credential" ? "psk" : "x509";
  const gateway = isObject(facts["gateway"]) ? { gateway: domain } : {};
  const credential = isObject(facts["gateway_credential"]) ? { gateway_credential: { ...domain, type } } : {};
  return merge(facts, { ...gateway, ...credential }) as Facts;
}

/** The same credential in the hands of a back-end that reads everything. */
function reading(facts: Facts): Facts {
  const credential = facts["credential"] as Facts;
  const { device_id = "", tenant = "", trust_domain = "", fingerprint } = credential;
  const kept = { type: "x509", device_id, tenant, trust_domain };
  return {
    ...facts,
    credential: { ...credential, ...kept },
    actor: { id: device_id, type: "service", tenant, roles: ["sre", "secops", "data_steward"], mfa: false },
    service: {
      id: device_id,
      tenant,
      trust_domain,
      credentials: { [String(fingerprint)]: { status: "active" } },
    },
  };
}

/** Complete facts of a model's subject asking at an entrypoint, with twists. */
export function twisted(model: string, entrypoint: string, stream: string, names: readonly string[]): Facts {
  const healthy = subject(byModel[model] ?? "meter") as Facts;
  const credential = healthy["credential"] as Facts;
  const key = { attestation: { key_fingerprint: credential["fingerprint"] ?? "" } };
  const asked = merge(entrypoint === "ota" ? offered(healthy, stream) : healthy, {
    request: question(entrypoint, healthy, stream),
    actor,
    approvals: [{ by: "bob", roles: ["command_approver"], expires_at: "@+1h" }],
  });
  const told = entrypoint === "consume" ? reading(asked as Facts) : asked;
  const bent = names.reduce<Json>((facts, name) => merge(facts, twists[name] ?? {}), told) as Facts;
  const device = bent["device"] as Facts;
  const bound = isObject(device["attestation"]) ? merge(bent, { device: key }) : bent;
  return absolute(spread(neighbouring(bound as Facts, model)), now) as Facts;
}

/** The projected input of facts, or undefined where the host would refuse them. */
export function inputOf(entrypoint: string, facts: Facts): Facts | undefined {
  const projected = project(entrypoint, facts);
  return "input" in projected ? projected.input : undefined;
}
