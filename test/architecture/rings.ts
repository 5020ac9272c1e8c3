/** The rings as data. ARCHITECTURE.md says the same in the same words; `architecture.test.ts` holds both true. */

/** One folder of `src/`, or one program file beside them. */
export interface Folder {
  readonly ring: number;
  readonly says: string;
  /** Folders of its own ring that it may import, where the ring has an order inside. */
  readonly besides?: readonly string[];
  /** Declared, not built yet. */
  readonly later?: true;
}

/** Every folder. `adapters/<broker>` stands for one folder per broker. */
export const folders: Readonly<Record<string, Folder>> = {
  "decision/": {
    ring: 0,
    says: "what a question and an answer are: queries, decisions, facts, reasons, obligations, changes; imports nothing",
  },
  "runtime/": {
    ring: 0,
    says: "what a process is made of: clock, faults, ports as values",
    besides: ["decision/"],
  },
  "enforcement/": {
    ring: 0,
    says: "what every enforcement point does with an answer: ruling, deadline, sessions, buckets against storms",
    besides: ["decision/", "runtime/"],
  },
  "gen/": { ring: 0, says: "generated from `proto/`, committed, never edited" },
  "engine/": { ring: 1, says: "evaluates one compiled policy; the only owner of opa-wasm" },
  "bundle/": { ring: 1, says: "gets a bundle and proves that it fits: source, archive, manifest, status" },
  "registry/": {
    ring: 1,
    says: "the records to read at once and the sync that keeps them right; the only owner of LMDB",
  },
  "identity/": { ring: 1, says: "proves who is asking: certificate chains, tokens, secrets, assertions" },
  "cache/": { ring: 1, says: "remembers decisions until what they rest on changes or expires" },
  "log/": { ring: 1, says: "the decision log: event, mask, queue, sinks" },
  "server/": { ring: 1, says: "listeners: gRPC, HTTP, TLS, peer identity, limits, health; knows no policy" },
  "adapters/<broker>/": {
    ring: 1,
    says: "one broker's dialect; imports ring 0 only, so it runs in the service or inside the broker",
  },
  "coherence/": { ring: 1, says: "leases, acknowledgements and receipts as pure state machines" },
  "nats/": { ring: 1, says: "the ports of ring 0 over NATS; its only owner" },
  "pdp/": { ring: 2, says: "the decision: snapshot, facts, cache, engine and log put together" },
  "client/": { ring: 2, says: "the enforcement point's library: the same decider, over the wire" },
  "eligibility/": { ring: 3, says: "who may update to what: single answers, whole fleets, rollouts" },
  "workbench/": { ring: 3, says: "the policy author's tools" },
  "admin/": { ring: 3, says: "quarantine, lift and break-glass with approvals" },
  "services/": { ring: 4, says: "the gRPC API, one file per service: wire to domain and back, nothing else" },
  "telemetry/": { ring: 4, says: "log lines, metrics and health made of what inner rings publish" },
  "config/": { ring: 4, says: "one schema from file, environment and flags to validated, frozen options" },
  "index.ts": { ring: 5, says: "what an embedding program imports", besides: ["app.ts"] },
  "app.ts": { ring: 5, says: "builds the parts in order, mounts, starts and stops them", besides: ["app/"] },
  "app/": { ring: 5, says: "parts of the service that the configuration chooses between" },
  "primary.ts": { ring: 5, says: "the process that owns the single writers", besides: ["app/", "app.ts"] },
  "worker.ts": { ring: 5, says: "one of the processes that answer", besides: ["app/"] },
  "console/": { ring: 5, says: "the operator's web page", later: true },
  "cli/": { ring: 6, says: "the command line, one file per command" },
};

/** Who may import a package. A package that is not listed here may not be imported from `src/` at all. */
export const owners: Readonly<Record<string, readonly string[]>> = {
  "@open-policy-agent/opa-wasm": ["engine/"],
  "tar-stream": ["bundle/"],
  lmdb: ["registry/"],
  "@nats-io/jetstream": ["nats/"],
  "@nats-io/kv": ["nats/"],
  "@nats-io/nats-core": ["nats/"],
  "@nats-io/obj": ["nats/"],
  "@nats-io/transport-node": ["nats/"],
  zod: ["bundle/", "config/", "registry/"],
  ajv: ["engine/", "registry/", "workbench/"],
  re2js: ["engine/"],
  "fast-check": ["workbench/"],
  graphql: ["engine/"],
  yaml: ["engine/", "config/", "registry/", "workbench/", "cli/"],
  "@nats-io/nkeys": ["adapters/nats/"],
  jose: ["identity/"],
  "@peculiar/x509": ["identity/"],
  "lru-cache": ["cache/", "client/", "identity/", "pdp/", "runtime/", "server/"],
  fastify: ["server/"],
  "@grpc/grpc-js": ["gen/", "runtime/", "server/", "services/", "client/", "cli/"],
  "@bufbuild/protobuf": ["gen/", "server/"],
  pino: ["telemetry/"],
  "prom-client": ["telemetry/"],
  commander: ["cli/"],
};

/** Packages that a folder may take types from and nothing else. */
export const typesOnly: Readonly<Record<string, readonly string[]>> = { "runtime/": ["@grpc/grpc-js"] };

/** Everything that the client library may load, and so everything that a broker has to install. */
export const clientPackages: readonly string[] = ["@grpc/grpc-js", "@bufbuild/protobuf", "lru-cache"];
