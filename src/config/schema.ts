/** The one schema of the configuration: types, defaults, limits, and a sentence for each option. */
import * as z from "zod";
import { parseAddress } from "./address.ts";
import { brokerSchema } from "./brokers-schema.ts";
import { bundleSchema } from "./bundle-schema.ts";
import type { Config } from "./config.ts";
import { peerSchema } from "./peers-schema.ts";
import { registrySchema } from "./registry-schema.ts";
import { actorsSchema, trustDomainSchema } from "./trust-schema.ts";

/** Marks an option whose value is a path, so that it is resolved against the file that names it. */
const file = { file: true };

function listener(address: string, what: string) {
  return z
    .strictObject({
      listen: z
        .string()
        .refine((value) => parseAddress(value) !== undefined, "must be `host:port`, an IPv6 host in brackets")
        .default(address)
        .describe("Address, `host:port`; an IPv6 host in brackets; port 0 picks a free port."),
      tls: z
        .strictObject({
          cert: z.string().min(1).describe("PEM file of the certificate chain, leaf first.").meta(file),
          key: z.string().min(1).describe("PEM file of the private key.").meta(file),
          client_ca: z
            .string()
            .min(1)
            .exactOptional()
            .describe("PEM file of the CAs of client certificates; makes them mandatory (mTLS).")
            .meta(file),
        })
        .exactOptional()
        .describe("TLS; the files are read again when they change. Without it, loopback only."),
    })
    .prefault({})
    .describe(what);
}

function bucket(per_s: number, burst: number, what: string) {
  return z
    .strictObject({
      per_s: z.number().min(0).default(per_s).describe("Questions per second in the long run; 0: no limit."),
      burst: z.number().min(1).default(burst).describe("Questions at once."),
    })
    .prefault({})
    .describe(what);
}

const count = (least: number, value: number, most: number, what: string) =>
  z.int().min(least).max(most).default(value).describe(what);
const seconds = (least: number, value: number, most: number, what: string) =>
  z.number().min(least).max(most).default(value).describe(`${what}, seconds.`);

/** Schema of the whole configuration. */
export const configSchema: z.ZodType<Config, unknown> = z.strictObject({
  grpc: listener("127.0.0.1:7600", "The gRPC listener: decisions, health, reflection."),
  http: listener("127.0.0.1:7601", "The HTTP listener: health, metrics."),
  workers: z
    .int()
    .min(0)
    .max(256)
    .exactOptional()
    .describe(
      "Processes that answer, beside the one that writes; 0: one process does both. Default: the processors of the machine less one, at least 1.",
    ),
  processes: z
    .strictObject({
      evaluation_s: seconds(
        0.1,
        1,
        60,
        "Longest evaluation of the policy: a process that takes longer is ended and its question reported",
      ),
      silent_s: seconds(0.5, 5, 60, "A worker that does not answer the primary for so long is replaced"),
    })
    .prefault({})
    .describe("How processes that stand still are noticed."),
  insecure: z
    .boolean()
    .default(false)
    .describe("Listen without TLS off loopback. Anyone on the way reads and forges."),
  bundle: bundleSchema,
  registry: registrySchema,
  nats: z
    .strictObject({
      servers: z.array(z.string().min(1)).min(1).describe("`host:port` of the servers of the cluster."),
      credentials: z.string().min(1).exactOptional().describe("Credentials file (JWT and key).").meta(file),
      ca: z.string().min(1).exactOptional().describe("PEM file of the roots of its certificates.").meta(file),
      cert: z.string().min(1).exactOptional().describe("PEM file of our certificate (mTLS).").meta(file),
      key: z.string().min(1).exactOptional().describe("PEM file of the key of that certificate.").meta(file),
    })
    .exactOptional()
    .describe("NATS with JetStream, for what nodes share. A service starts without it while it is away."),
  overrides: z
    .strictObject({
      dir: z
        .string()
        .min(1)
        .exactOptional()
        .describe("Folder of the override store; default: `overrides` in `registry.dir`.")
        .meta(file),
      nats: z
        .strictObject({
          bucket: z.string().min(1).default("sallyport-overrides").describe("JetStream bucket of overrides."),
        })
        .exactOptional()
        .describe("Overrides shared with all nodes that name the same bucket; needs `nats.servers`."),
      node_lease_s: seconds(
        1,
        10,
        3600,
        "Age of what other nodes have done beyond which this one grants no leases to attached brokers",
      ),
      hard_s: seconds(1, 3600, 604_800, "Age of that beyond which nothing but containment is decided"),
      initialize: z
        .boolean()
        .default(false)
        .describe(
          "Make the override store where it is missing. For the first start only (`--initialize-overrides`): later, a missing store is one that was lost, and the service is not ready.",
        ),
    })
    .prefault({})
    .describe("Quarantines and other overrides set at this service."),
  peers: z
    .array(peerSchema)
    .default([])
    .describe("Enforcement points that may ask. A caller that matches none is refused."),
  brokers: z.array(brokerSchema).default([]).describe("Brokers that ask in dialects of their own."),
  trust_domains: z
    .array(trustDomainSchema)
    .default([])
    .describe("Who may prove a device's identity, and how."),
  actors: actorsSchema.exactOptional().describe("Tokens of the people and services that send commands."),
  cache: z
    .strictObject({
      max_subjects: count(1, 100_000, 10_000_000, "Devices whose answers are remembered."),
      max_answers_per_subject: count(1, 64, 4096, "Answers remembered per device."),
      max_denied_subjects: count(
        1,
        10_000,
        1_000_000,
        "Denied devices that are remembered, apart from the others.",
      ),
    })
    .prefault({})
    .describe("The decision cache, per process."),
  coherence: z
    .strictObject({
      lease_s: seconds(0.2, 5, 60, "How long an attached client trusts what it remembers without hearing"),
      usable_s: seconds(0, 60, 3600, "Longest use of one answer by an attached client"),
      max_promises: count(
        1,
        200_000,
        10_000_000,
        "Devices and other records whose promises to unattached callers are remembered one by one.",
      ),
    })
    .prefault({})
    .describe("Attached brokers: leases, and what receipts remember."),
  limits: z
    .strictObject({
      message_bytes: count(1024, 1_048_576, 67_108_864, "Largest message."),
      metadata_bytes: count(1024, 16_384, 1_048_576, "Largest metadata or headers."),
      topic_bytes: count(16, 1024, 65_535, "Longest topic or filter."),
      token_bytes: count(256, 16_384, 65_536, "Longest token or secret."),
      chain_certificates: count(1, 8, 32, "Longest certificate chain."),
      filters: count(1, 64, 1024, "Filters in one subscribe."),
      batch: count(1, 256, 4096, "Questions in one batch."),
      approvals: count(0, 16, 64, "Approvals of one command."),
      streams_per_connection: count(1, 1024, 65_536, "Calls at once on one connection."),
    })
    .prefault({})
    .describe("What is refused for its size alone."),
  rate_limits: z
    .strictObject({
      per_credential: bucket(0, 1000, "Questions of one proven credential."),
      per_peer: bucket(0, 1000, "Questions of one peer where nothing is proven."),
      max_buckets: count(1, 100_000, 10_000_000, "Buckets that are remembered."),
      reserved_share: z
        .number()
        .min(0)
        .max(0.9)
        .default(0.2)
        .describe("Share of a credential's burst that is kept for messages on reserved topics."),
      reserved_topics: z
        .array(z.string().min(1))
        .default(["+/+/+/+/sec/#", "+/+/+/+/mgmt/#"])
        .describe("MQTT filters of the topics that the reserved share is for."),
    })
    .prefault({})
    .describe("Token buckets; beyond them the answer is the denial `rate_limited`."),
  decision_log: z
    .strictObject({
      sink: z.enum(["none", "stdout", "file"]).default("stdout").describe("Where events go."),
      path: z.string().min(1).exactOptional().describe("File of the sink `file`.").meta(file),
      max_bytes: count(4096, 104_857_600, 1_099_511_627_776, "Size at which the file is rotated."),
      keep: count(0, 5, 1000, "Rotated files kept, as `path.1` (the newest) and on."),
      queue_max: count(
        1,
        10_000,
        1_000_000,
        "Events that wait for the sink; beyond it they are lost and counted.",
      ),
      aggregate_hits_s: seconds(
        0.1,
        10,
        3600,
        "Window in which repeated cached answers become one event with a count",
      ),
    })
    .prefault({})
    .describe("The decision log: OPA's event format, one JSON object per line."),
  log: z
    .strictObject({
      level: z
        .enum(["debug", "info", "warn", "error", "silent"])
        .default("info")
        .describe("Least severe line written."),
      pretty: z.boolean().default(false).describe("For people instead of machines."),
    })
    .prefault({})
    .describe("The program's own log, on standard error."),
  shutdown: z
    .strictObject({ drain_s: seconds(0, 10, 600, "How long calls in flight may go on after a stop signal") })
    .prefault({})
    .describe("Stopping."),
});
