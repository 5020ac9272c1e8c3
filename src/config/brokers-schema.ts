import * as z from "zod";

/** A broker that asks in its own dialect. */
export interface BrokerConfig {
  readonly name: string;
  readonly dialect: "rabbitmq" | "vernemq" | "emqx" | "exhook" | "mosquitto" | "nats";
  readonly peer: string;
  readonly secret?: string;
  readonly vhost: string;
  readonly max_qos: 0 | 1 | 2;
  readonly may_retain: boolean;
  readonly rate_classes: readonly string[];
  readonly cache_s: number;
  readonly deadline_ms: number;
  readonly connects: { readonly per_s: number; readonly burst: number; readonly remembered: number };
  readonly kick?: { readonly url: string; readonly user: string; readonly password: string };
  readonly nats?: {
    readonly servers: readonly string[];
    readonly user: string;
    readonly password: string;
    readonly issuer_seed: string;
    readonly account: string;
    readonly xkey_seed?: string;
    readonly system?: { readonly user: string; readonly password: string };
  };
}

const file = { file: true };
const path = (what: string): z.ZodString => z.string().min(1).describe(what).meta(file);

/** Schema of one entry of `brokers`. */
export const brokerSchema: z.ZodType<BrokerConfig> = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, "must be lower-case letters, digits and `-`")
    .describe("Its name: in its HTTP paths (`/broker/<name>/...`) and in metrics."),
  dialect: z
    .enum(["rabbitmq", "vernemq", "emqx", "exhook", "mosquitto", "nats"])
    .describe("How it asks; docs/brokers has a page for each."),
  peer: z.string().min(1).describe("Entry of `peers` that says where it stands and what it may ask."),
  secret: path(
    "HTTP dialects: file of a secret that it shows as bearer token or as part of the path; absent: the caller must match the peer.",
  ).exactOptional(),
  vhost: z
    .string()
    .min(1)
    .default("/")
    .describe("RabbitMQ: the virtual host that its devices use; they are refused in any other."),
  max_qos: z
    .union([z.literal(0), z.literal(1), z.literal(2)])
    .default(2)
    .describe("Highest QoS that the broker itself is configured to take, for dialects that do not tell."),
  may_retain: z
    .boolean()
    .default(true)
    .describe("Whether the broker takes retained messages, for dialects that do not tell."),
  rate_classes: z
    .array(z.string().min(1))
    .default([])
    .describe("Rate classes that limits of the broker itself hold; a session of another class is refused."),
  cache_s: z
    .number()
    .min(0)
    .max(86_400)
    .default(0)
    .describe(
      "For how long the broker may go on using an answer; for VerneMQ the longest time to live it is given.",
    ),
  deadline_ms: z
    .int()
    .min(10)
    .max(10_000)
    .default(1000)
    .describe("Longest wait for an answer; then it is a denial. Well below the broker's own limit."),
  connects: z
    .strictObject({
      per_s: z.number().min(0.001).max(10_000).default(1).describe("Refill per second."),
      burst: z.int().min(1).max(10_000).default(20).describe("At once."),
      remembered: z.int().min(1).max(10_000_000).default(200_000).describe("Buckets that are remembered."),
    })
    .prefault({})
    .describe(
      "Connects with the same credentials; and, where the broker tells addresses, with credentials that were not accepted lately, under one name from one address. Each worker counts for itself.",
    ),
  kick: z
    .strictObject({
      url: z.url().describe("Where the broker's management API is."),
      user: z.string().default("").describe("User, or API key."),
      password: path("File of the password, or of the API key's secret."),
    })
    .exactOptional()
    .describe("How a session is ended at the broker."),
  nats: z
    .strictObject({
      servers: z.array(z.string().min(1)).min(1).describe("`host:port` of the servers."),
      user: z.string().min(1).describe("User of the callout account (`auth_callout.auth_users`)."),
      password: path("File of its password."),
      issuer_seed: path("File of the account seed (`SA...`) whose public key is `auth_callout.issuer`."),
      account: z.string().min(1).default("$G").describe("Account that devices are put into."),
      xkey_seed: path(
        "File of the curve seed (`SX...`) of `auth_callout.xkey`: requests are sealed.",
      ).exactOptional(),
      system: z
        .strictObject({
          user: z.string().min(1).describe("User of the system account."),
          password: path("File of its password."),
        })
        .exactOptional()
        .describe("The system account, to end connections."),
    })
    .exactOptional()
    .describe("For the dialect `nats`."),
});
