import * as z from "zod";
import { clientTls } from "./client-tls-schema.ts";
import type { BundleConfig } from "./config.ts";

const file = { file: true };
const seconds = (least: number, value: number, most: number, what: string) =>
  z.number().min(least).max(most).default(value).describe(`${what}, seconds.`);

const nats = z
  .strictObject({
    servers: z.array(z.string().min(1)).min(1).describe("`host:port` of each server of the cluster."),
    bucket: z.string().min(1).default("bundles").describe("Object store (JetStream)."),
    name: z.string().min(1).default("policy.tar.gz").describe("Name of the bundle in it."),
    credentials_file: z
      .string()
      .min(1)
      .exactOptional()
      .describe("Credentials file (JWT and key).")
      .meta(file),
    tls: clientTls.exactOptional(),
    backoff_s: seconds(1, 60, 3600, "Longest pause while the store fails"),
  })
  .describe("A NATS object store as the source; instead of `bundle.file`.");

const http = z
  .strictObject({
    url: z.url().describe("Address of the bundle (OPA's bundle API); https, but for this machine."),
    token_file: z
      .string()
      .min(1)
      .exactOptional()
      .describe("File with a bearer token, read for each question.")
      .meta(file),
    tls: clientTls.exactOptional(),
    long_poll_s: seconds(
      0,
      30,
      300,
      "How long the server is asked to hold a question without news; 0: not at all",
    ),
    backoff_s: seconds(1, 60, 3600, "Longest pause while the server fails"),
    timeout_s: seconds(0.1, 30, 600, "Longest wait for an answer, beyond `long_poll_s`"),
  })
  .describe("A server as the source; instead of `bundle.file`.");

const checks = z
  .strictObject({
    min_cases: z
      .int()
      .min(0)
      .max(100_000)
      .default(1)
      .describe("Cases that a bundle must bring along, and pass, before it comes into force."),
    deadline_s: seconds(0.1, 30, 600, "How long trying them may take"),
    p99_us: z
      .int()
      .min(10)
      .max(10_000_000)
      .default(5000)
      .describe("Most that the dearest of its cases may take, but for the dearest hundredth, microseconds."),
    memory_mib: z.int().min(1).max(256).default(64).describe("Most Wasm memory, MiB."),
  })
  .prefault({})
  .describe("What a bundle must stand before it comes into force.");

const share = (value: number, what: string) => z.number().min(0).max(1).default(value).describe(what);

const shadow = z
  .strictObject({
    mode: z
      .enum(["off", "auto", "manual"])
      .default("off")
      .describe(
        "Whether a bundle is compared on live questions first; `manual`: it waits for `bundle promote`.",
      ),
    sample: z
      .number()
      .min(0.0001)
      .max(1)
      .default(0.05)
      .describe("Share of live questions that it answers beside the bundle in force, off the hot path."),
    for_s: seconds(0, 300, 604_800, "How long it lasts at least"),
    min_queries: z.int().min(1).max(10_000_000).default(1000).describe("Questions to compare at least."),
    max_newly_denied: share(
      0.001,
      "Share of questions that it may deny and the one in force allows; beyond it, it is refused.",
    ),
    max_newly_allowed: share(
      0.001,
      "Share of questions that it may allow and the one in force denies; beyond it, it is refused.",
    ),
  })
  .prefault({})
  .describe("Comparing a bundle on live questions before it comes into force.");

/** Schema of the section `bundle`. */
export const bundleSchema: z.ZodType<BundleConfig, unknown> = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .exactOptional()
      .describe("Policy bundle (`.tar.gz`) as built by `sallyport policy build`; watched.")
      .meta(file),
    http: http.exactOptional(),
    nats: nats.exactOptional(),
    poll_s: seconds(0.05, 2, 3600, "How often the source is looked at"),
    dir: z
      .string()
      .min(1)
      .exactOptional()
      .describe(
        "Folder that keeps the last known good bundle, to start from when the source is away; made when absent.",
      )
      .meta(file),
    keyset: z
      .string()
      .min(1)
      .exactOptional()
      .describe("Keyset (JSON): who may sign and approve bundles, and how many of them are needed.")
      .meta(file),
    scope: z
      .string()
      .default("")
      .describe("Scope that signatures must be for, as in `opa build --scope`; empty: none."),
    unsigned: z
      .enum(["refuse", "allow"])
      .default("refuse")
      .describe(
        "What becomes of a bundle without a signature. One with a wrong signature is always refused.",
      ),
    checks,
    shadow,
  })
  .describe("The policy.");
