/** The section `registry`: where records are kept and where they come from. */
import * as z from "zod";
import { clientTls } from "./client-tls-schema.ts";
import type { RegistryConfig } from "./config.ts";
import { originSchema } from "./origin-schema.ts";

const file = { file: true };
const seconds = (least: number, value: number, most: number, what: string) =>
  z.number().min(least).max(most).default(value).describe(`${what}, seconds.`);
const maxDeleteShare = (what: string) =>
  z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe(
      `${what} that would delete or spoil more than this share of the source's records waits for \`sallyport registry confirm\`.`,
    );

/** What a source claims for itself. */
const owns = {
  kinds: z
    .array(z.enum(["device", "tenant", "firmware_policy", "release", "rollout", "service", "report"]))
    .min(1)
    .exactOptional()
    .describe(
      "Kinds of records that this source alone writes; default: any, each record by whoever writes it first.",
    ),
  tenants: z
    .array(z.string().min(1))
    .min(1)
    .exactOptional()
    .describe("Tenants whose records this source alone writes; default: any."),
  origin: originSchema.describe(
    "As whose word its records count. `verifier` and `device` write records of kind `report` of that origin only; `operator` writes anything.",
  ),
};

/** Schema of the section. */
export const registrySchema: z.ZodType<RegistryConfig, unknown> = z
  .strictObject({
    dir: z.string().min(1).describe("Folder of the record store; made when absent.").meta(file),
    file: z
      .strictObject({
        path: z.string().min(1).describe("NDJSON, JSON or YAML file of records; watched.").meta(file),
        poll_s: seconds(0.05, 2, 3600, "How often it is looked at"),
        max_delete_share: maxDeleteShare("A new version of the file"),
        write_back: z
          .boolean()
          .default(false)
          .describe(
            "Write duties of this service (`reentry_required_since`, spent claims) as lines of `PATH.duties.ndjson`, for whoever makes the file.",
          ),
        ...owns,
      })
      .exactOptional()
      .describe("A file as the source of records."),
    http: z
      .array(
        z.strictObject({
          name: z
            .string()
            .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, "must be a name: letters, digits and `-_.`")
            .describe(
              "Name of the source, as `http:NAME` in status and metrics. It owns its records under this name.",
            ),
          url: z
            .url()
            .describe("Address of the feed (`docs/registry-http.md`); https, but for this machine."),
          token_file: z
            .string()
            .min(1)
            .exactOptional()
            .describe("File with a bearer token, read for each question.")
            .meta(file),
          tls: clientTls.exactOptional(),
          poll_s: seconds(0.05, 10, 3600, "Pause between two questions"),
          backoff_s: seconds(0.1, 60, 3600, "Longest pause while the server fails"),
          silence_s: seconds(0.1, 30, 600, "Longest silence of the server"),
          max_delete_share: maxDeleteShare("A snapshot"),
          write_back_url: z
            .url()
            .regex(/\{id\}/, "must hold `{id}`, the place of the device's id")
            .exactOptional()
            .describe(
              "Address of one record, `{id}` in the place of the device's id: duties of this service are written there, by `PATCH` with `If-Match`.",
            ),
          ...owns,
        }),
      )
      .default([])
      .describe("Servers as sources of records."),
    nats: z
      .strictObject({
        bucket: z
          .string()
          .min(1)
          .describe("JetStream bucket, one key per record, such as `device:meter-001`."),
        max_delete_share: maxDeleteShare("A snapshot"),
        write_back: z
          .boolean()
          .default(false)
          .describe(
            "Write duties of this service (`reentry_required_since`, spent claims) into the records of the bucket, by compare-and-set.",
          ),
        ...owns,
      })
      .exactOptional()
      .describe("A NATS bucket as a source of records."),
    attestation: z
      .strictObject({
        verifiers: z
          .array(
            z.strictObject({
              name: z.string().min(1).describe("Its name, as policies trust it."),
              jwks: z.string().min(1).describe("File of its public keys (JWKS).").meta(file),
            }),
          )
          .default([])
          .describe("Verifiers whose signed attestation results (EAR) are believed."),
        signed_only: z
          .boolean()
          .default(false)
          .describe("Attestation results that no verifier has signed count as none."),
      })
      .prefault({})
      .describe("Attestation results, verified when a record is synced."),
    push: z
      .strictObject({
        max_delete_share: maxDeleteShare("A pushed snapshot"),
        silence_s: seconds(
          1,
          300,
          86_400,
          "How long a feed may say nothing, not even a bookmark, before its call is ended so that it comes again",
        ),
      })
      .prefault({})
      .describe("Records that peers of the kind `feed` push over gRPC."),
  })
  .describe("The facts: where records are kept and where they come from.");
