/** A service that answers from a fixed table: real gRPC, real messages, no policy. */
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import * as wire from "../../src/gen/sallyport/v1/decision.ts";
import { RegistryServiceService } from "../../src/gen/sallyport/v1/registry.ts";
import { deviceRecord } from "../records.ts";

/** What was asked, by method. */
export interface Asked {
  readonly method: string;
  readonly request: unknown;
}

export interface TableService extends AsyncDisposable {
  readonly address: string;
  /** Questions since the last call, oldest first. */
  take(): Asked[];
}

/** Answers by topic, filter, command or client id; anything else is denied as out of scope. */
const table: Readonly<Record<string, Partial<wire.Decision>>> = {
  "meter-001": { obligations: { session_ttl_s: 3600, max_qos: 1, notify: ["ops"] }, cached: true },
  "t/acme/d/meter-001/ops/temp": {
    reason: "ok_degraded",
    findings: ["attestation_warning"],
    valid_until: 2_000_000_000,
  },
  "t/acme/d/meter-001/cmd/#": {},
  reboot: {},
  "#": { allow: false, reason: "topic_wildcard_too_broad", retry: wire.RetryClass.RETRY_CLASS_NEVER },
};

function decide(key: string): wire.Decision {
  const known = table[key];
  const allow = known !== undefined && known.allow !== false;
  return {
    allow,
    reason: allow ? "ok" : "topic_out_of_scope",
    findings: known === undefined ? ["looks\u001b[2Jodd"] : [],
    retry: allow ? wire.RetryClass.RETRY_CLASS_UNSPECIFIED : wire.RetryClass.RETRY_CLASS_NEVER,
    obligations: { notify: [] },
    valid_until: undefined,
    bundle_revision: "table-1",
    registry_revision: 7,
    registry_age_s: 2,
    decision_id: "d-1",
    cached: false,
    ...known,
  };
}

function keyOf(item: wire.BatchItem): string {
  const { check } = item;
  if (check?.$case === "connect") return check.value.subject?.client_id ?? "";
  if (check?.$case === "publish") return check.value.topic;
  if (check?.$case === "subscribe") return check.value.filters[0]?.filter ?? "";
  if (check?.$case === "ota") return check.value.release;
  if (check?.$case === "consume") return check.value.filter;
  return check?.value.command ?? "";
}

function explain(item: wire.BatchItem): wire.Explanation {
  return {
    decision: decide(keyOf(item)),
    cached: true,
    input_json: '{"now":1}',
    facts: [{ path: "credential.not_after", value: 2_000_000_000, age_s: -60, holds_until: 2_000_000_000 }],
    bound: { path: "credential.not_after", offset_s: 0, at: 2_000_000_000 },
    records: [{ key: "device:meter-001", state: "found", revision: 3, source: "file", age_s: 2, said: [] }],
    summary: "allowed: because the table says so",
  };
}

const refuse = (code: number, details: string): Error => Object.assign(new Error(details), { code, details });

/** Each method as a function of its request. */
const decisions: Readonly<Record<string, (request: never) => unknown>> = {
  checkConnect: (request: wire.CheckConnectRequest) => {
    const key = request.subject?.client_id ?? "";
    if (key === "overloaded") throw refuse(status.RESOURCE_EXHAUSTED, "too many questions; ask again in 1 s");
    if (key === "stranger") throw refuse(status.UNAUTHENTICATED, "no peer entry matches the caller");
    return { decision: decide(key) };
  },
  checkPublish: (request: wire.CheckPublishRequest) => ({ decision: decide(request.topic) }),
  checkSubscribe: (request: wire.CheckSubscribeRequest) => ({
    decisions: request.filters.map(({ filter }) => decide(filter)),
  }),
  checkCommand: (request: wire.CheckCommandRequest) => ({ decision: decide(request.command) }),
  batchCheck: (request: wire.BatchCheckRequest) => ({
    results: request.items.map((item) => ({ decisions: [decide(keyOf(item))] })),
  }),
  explain: (request: wire.ExplainRequest) => ({
    explanations: request.check === undefined ? [] : [explain(request.check)],
  }),
};

/** One healthy device; one in quarantine whose only credential is revoked. */
function device(id: string, now: number): unknown {
  if (id === "meter-001") return deviceRecord(id, now);
  if (id === "meter-003") return deviceRecord(id, now, { state: { quarantine: { active: true } } });
  if (id !== "meter-002") return undefined;
  return deviceRecord(id, now, {
    credentials: { "fp-meter-002": { status: "revoked" } },
    state: { lifecycle: "quarantined", quarantine: { active: true, by: "alice", since: now - 3600 } },
  });
}

const registry: typeof decisions = {
  getDevice: ({ id }: { id: string }) => {
    if (id === "meter-broken")
      return {
        record_json: "",
        invalid: "`model` is missing",
        revision: 4,
        watermark: 1,
        provenance: [],
      };
    const now = Math.floor(Date.now() / 1000);
    const record = device(id, now);
    if (record === undefined) throw refuse(status.NOT_FOUND, "no such device");
    const owner = { group: "record", origin: "operator", source: "file", revision: 3, age_s: 3, told_at: 0 };
    const told = { group: "firmware", origin: "device", source: "push:edge", revision: 5, age_s: 60 };
    return {
      record_json: JSON.stringify(record),
      invalid: "",
      revision: 3,
      watermark: now - 3,
      provenance: [owner, { ...told, told_at: now - 120 }],
    };
  },
};

/** Starts the service on a free port of this machine. */
export async function startTable(
  credentials: ServerCredentials = ServerCredentials.createInsecure(),
): Promise<TableService> {
  const server = new Server();
  let asked: Asked[] = [];
  const mount = (definition: object, handlers: typeof decisions): object =>
    Object.fromEntries(
      Object.keys(definition).map((method) => [
        method,
        (call: { request: never }, done: (error: unknown, answer?: unknown) => void) => {
          asked.push({ method, request: call.request });
          const handler = handlers[method];
          // A method without a handler never answers.
          if (handler === undefined) return;
          try {
            done(null, handler(call.request));
          } catch (error) {
            done(error);
          }
        },
      ]),
    );
  server.addService(wire.DecisionServiceService, mount(wire.DecisionServiceService, decisions) as never);
  server.addService(RegistryServiceService, mount(RegistryServiceService, registry) as never);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return {
    address: `127.0.0.1:${port}`,
    take() {
      const taken = asked;
      asked = [];
      return taken;
    },
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}
