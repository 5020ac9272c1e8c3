/**
 * The facts that each entrypoint reads, as JSON Schemas (draft 2020-12) in the few keywords that the host
 * compiles. The schema is the only list of what an entrypoint sees: what it does not name, the host projects away.
 * `required` marks the mandatory facts; a `default` is what the host writes where an optional fact is absent
 * (FACTS rule 1, INV-00). `policies/build.ts` writes them to `policies/schemas/<entrypoint>.json`.
 */

/** A JSON Schema in the keywords that the contract allows. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly enum?: readonly (string | number | boolean | null)[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
}

const text: Schema = { type: "string", maxLength: 512 };
const topic: Schema = { type: "string", maxLength: 65535 };
const flag: Schema = { type: "boolean" };
const seconds: Schema = { type: "integer" };
const count: Schema = { type: "integer", minimum: 0 };
const qos: Schema = { type: "integer", minimum: 0, maximum: 2 };
const texts: Schema = { type: "array", items: text };

/** An object of which all properties without a default are mandatory. */
function record(properties: Record<string, Schema>, extra: Omit<Schema, "type" | "properties"> = {}): Schema {
  const required = Object.keys(properties).filter((name) => !("default" in (properties[name] ?? {})));
  return { type: "object", ...extra, properties, required };
}

/** The same, or null where there is none. `absent` = the host may find none and writes null. */
function nullable(schema: Schema, absent: boolean): Schema {
  const types = [schema.type, "null"].flat() as string[];
  return { ...schema, type: types, ...(absent ? { default: null } : {}) };
}

function optional(schema: Schema, value: unknown): Schema {
  return { ...schema, default: value };
}

const registry = record({ synced: flag, watermark: seconds });

/** What every credential says. */
const proven = {
  type: text,
  trust_domain: text,
  device_id: text,
  tenant: text,
  fingerprint: text,
  not_before: seconds,
  not_after: seconds,
};

const credential = record({
  ...proven,
  key_protection: text,
  usage: text,
  claim: nullable(record({ single_use: flag, used: flag, device_ids: texts }), true),
});

const gatewayCredential: Schema = {
  ...credential,
  type: ["object", "string", "null"],
  default: null,
  description:
    'with request.via: the gateway\'s own proven credential, or "asserted" where the peer may vouch for it',
};

const credentials: Schema = {
  type: "object",
  additionalProperties: record({
    status: { type: "string", enum: ["active", "superseded", "revoked"] },
    bound_at: seconds,
    last_used_at: seconds,
    devices: count,
  }),
};

const attestation = nullable(
  record({
    status: { type: "string", enum: ["affirming", "warning", "contraindicated", "none"] },
    vector: { type: "object", additionalProperties: { type: "integer", minimum: -128, maximum: 127 } },
    verifier: text,
    key_fingerprint: text,
    appraised_at: nullable(seconds, true),
    expires_at: nullable(seconds, true),
  }),
  true,
);

const firmware = record({
  key: nullable(count, false),
  channel: { type: "string", enum: ["production", "test", "debug"] },
  attested_key: nullable(count, true),
});

const support = record({ support_ends_at: seconds, eol_at: seconds });

const compliance = record({
  status: { type: "string", enum: ["compliant", "non_compliant", "unknown"] },
  exception: nullable(record({ expires_at: seconds }), true),
});

const lifecycle: Schema = {
  type: "string",
  enum: ["provisioned", "enrolled", "active", "quarantined", "safe_mode", "recovery", "eol", "retired"],
};

const signals: Schema = { type: "array", items: record({ type: text, expires_at: seconds }) };

const state = record({
  lifecycle,
  quarantine: record({ active: flag, mode: { type: "string", enum: ["constrain", "block"] } }),
  last_seen_at: seconds,
  reentry_required_since: seconds,
  signals: optional(signals, []),
});

const device = {
  id: text,
  tenant: text,
  class: text,
  model: nullable(text, true),
  trust_domain: text,
  regions: texts,
  zone: text,
  via: texts,
  credentials,
  firmware,
  attestation,
  support,
  compliance,
  state,
};

const gateway = nullable(
  record({
    id: text,
    tenant: text,
    class: text,
    trust_domain: optional(text, ""),
    children: count,
    max_children: count,
    credentials: optional(credentials, {}),
    firmware: nullable(firmware, true),
    attestation,
    support,
    compliance: nullable(compliance, true),
    state: record({
      lifecycle,
      quarantine: record({ active: flag }),
      reentry_required_since: optional(seconds, 0),
      signals: optional(signals, []),
    }),
  }),
  true,
);

const firmwarePolicy = record({
  min_key: count,
  patched_key: count,
  patched_deadline: seconds,
  blocked: { type: "array", items: count },
});

const gatewayFirmwarePolicy = record({
  min_key: count,
  patched_key: count,
  patched_deadline: seconds,
  blocked: optional({ type: "array", items: count }, []),
});

const tenant = {
  id: text,
  status: text,
  model: text,
  env: text,
  residency: optional(texts, []),
  failover: optional(record({ active: optional(flag, false), regions: optional(texts, []) }), {
    active: false,
    regions: [],
  }),
  admission: optional(
    record({
      min_priority: optional(count, 0),
      over_quota: optional(flag, false),
      retry_after_s: optional(count, 60),
    }),
    { min_priority: 0, over_quota: false, retry_after_s: 60 },
  ),
  playbook: optional(
    {
      type: "object",
      additionalProperties: {
        type: "string",
        enum: ["quarantine", "downgrade", "disable_commands", "observe"],
      },
    },
    {},
  ),
  attestation_for_hv: optional(flag, false),
};

const peer = {
  env: text,
  region: text,
  endpoint: text,
  client_id: text,
  via: nullable(text, true),
};

const deviceTime = nullable(seconds, true);

const will = nullable(record({ topic, qos, retain: optional(flag, false) }), true);

function pick(source: Record<string, Schema>, drop: readonly string[]): Record<string, Schema> {
  return Object.fromEntries(Object.entries(source).filter(([name]) => !drop.includes(name)));
}

/** A question that a device asks itself. */
function asked(title: string, request: Record<string, Schema>, tenantDrops: readonly string[] = []): Schema {
  return record(
    {
      now: seconds,
      registry,
      request: record({ ...peer, ...request }),
      credential: nullable(credential, true),
      gateway_credential: gatewayCredential,
      device: nullable(record(device), true),
      gateway,
      gateway_fw_policy: nullable(gatewayFirmwarePolicy, true),
      tenant: nullable(record(pick(tenant, tenantDrops)), true),
      fw_policy: nullable(firmwarePolicy, true),
    },
    { description: title },
  );
}

const command = record(
  {
    now: seconds,
    registry,
    request: record({ env: text, command: text, source_zone: optional(text, "") }),
    actor: nullable(
      record({
        id: text,
        type: { type: "string", enum: ["human", "service"] },
        tenant: text,
        roles: texts,
        mfa: flag,
      }),
      true,
    ),
    approvals: { type: "array", items: record({ by: text, roles: texts, expires_at: seconds }) },
    break_glass: nullable(record({ ticket: text, started_at: seconds, expires_at: seconds }), true),
    device: nullable(record(pick(device, ["regions", "via"])), true),
    tenant: nullable(
      record({
        ...pick(tenant, ["residency", "failover", "admission", "attestation_for_hv"]),
        support_access_until: seconds,
      }),
      true,
    ),
    fw_policy: nullable(firmwarePolicy, true),
  },
  { description: "facts of sallyport/command; device.credentials holds all active ones" },
);

const versions: Schema = { type: "object", additionalProperties: count };

const health = record({
  samples: count,
  crash_free_ppm: nullable(count, true),
  boot_ok_ppm: nullable(count, true),
  telemetry_ppm: nullable(count, true),
  command_p95_ms: nullable(count, true),
  failed_ppm: nullable(count, true),
});

const release = record({
  id: text,
  env: text,
  kind: { type: "string", enum: ["feature", "security", "remediation", "rollback", "decommission"] },
  key: count,
  svn: count,
  tenants: optional(texts, []),
  classes: texts,
  hw_revs: texts,
  manifest: record({ verified: flag, threshold: count, expires_at: seconds }),
  signed_by: texts,
  approved_by: texts,
  approvals_required: count,
  requires_min_key: count,
  delta_from_key: count,
  depends: optional(versions, {}),
  conflicts: optional(versions, {}),
  min_battery_pct: count,
  superseded: flag,
});

const rollout = record({
  id: text,
  state: { type: "string", enum: ["draft", "running", "paused", "aborted", "completed"] },
  rings: {
    type: "array",
    items: record({
      opened_at: seconds,
      percent_bp: { type: "integer", minimum: 0, maximum: 10000 },
      health,
    }),
  },
  current_ring: count,
  gates: record({
    min_samples: count,
    min_crash_free_ppm: nullable(count, true),
    min_boot_ok_ppm: nullable(count, true),
    min_telemetry_ppm: nullable(count, true),
    max_command_p95_ms: nullable(count, true),
    max_failed_ppm: nullable(count, true),
    bake_s: count,
  }),
  held_regions: optional(texts, []),
  owner_approvals: optional(texts, []),
  rollback_from: optional({ type: "array", items: count }, []),
  max_attempts: count,
  window: nullable(record({ from: seconds, to: seconds }), true),
});

const ota = record(
  {
    now: seconds,
    registry,
    request: record({ env: text }),
    credential: nullable(
      record({
        type: nullable(text, true),
        trust_domain: text,
        device_id: text,
        tenant: text,
        fingerprint: text,
        not_before: nullable(seconds, true),
        not_after: nullable(seconds, true),
        key_protection: nullable(text, true),
      }),
      true,
    ),
    device: nullable(
      record({
        ...pick(device, ["regions", "zone", "via", "compliance"]),
        home_region: text,
        hw_rev: text,
        firmware: nullable(
          record({
            key: nullable(count, true),
            svn: nullable(count, true),
            channel: { type: "string", enum: ["production", "test", "debug"] },
            components: nullable(versions, true),
          }),
          true,
        ),
        support: record({ eol_at: seconds }),
        ota: record({
          ring: count,
          bucket: count,
          attempts: count,
          last_release: text,
          in_progress: text,
          battery_pct: count,
          mains: flag,
          idle: flag,
          tz_offset_s: seconds,
        }),
      }),
      true,
    ),
    tenant: nullable(
      record({
        ...pick(tenant, ["residency", "failover", "admission", "attestation_for_hv"]),
        ota_hold: optional(flag, false),
      }),
      true,
    ),
    release: nullable(release, true),
    rollout: nullable(rollout, true),
  },
  { description: "facts of sallyport/ota; credential is the registered one, device.ota.bucket the host's" },
);

const consume = record(
  {
    now: seconds,
    registry,
    request: record({ env: text, client_id: text, filter: nullable(topic, false) }),
    credential: nullable(record(proven), true),
    actor: nullable(
      record({ id: text, type: { type: "string", enum: ["human", "service"] }, tenant: text, roles: texts }),
      true,
    ),
    service: nullable(
      record({
        id: text,
        tenant: text,
        trust_domain: text,
        credentials: {
          type: "object",
          additionalProperties: record({
            status: { type: "string", enum: ["active", "superseded", "revoked"] },
          }),
        },
      }),
      true,
    ),
    tenant: nullable(record({ id: text, status: text, model: text, env: text }), true),
  },
  { description: "facts of sallyport/consume; request.filter null = whether it may be on the broker at all" },
);

/** Schema by entrypoint name. */
export const schemas: Readonly<Record<string, Schema>> = {
  connect: asked("facts of sallyport/connect", { device_time: deviceTime, will }),
  publish: asked("facts of sallyport/publish; occurred_at null = server time", {
    topic,
    qos,
    retain: optional(flag, false),
    occurred_at: nullable(seconds, false),
  }),
  subscribe: asked("facts of sallyport/subscribe", { filter: topic }, ["residency", "attestation_for_hv"]),
  command,
  ota,
  grants: asked("facts of sallyport/grants", { device_time: deviceTime }),
  consume,
};
