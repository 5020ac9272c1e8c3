/** What one process alone does: takes bundles and records from their sources, and acts for operators. */
import { Admin } from "../admin/admin.ts";
import type { Config } from "../config/config.ts";
import type { AdminAct } from "../log/admin-act.ts";
import { nextDecisionId } from "../pdp/answer.ts";
import { recordedActs } from "../pdp/bundle-acts.ts";
import { pipelineMetrics } from "../pdp/pipeline-metrics.ts";
import type { OtherProcesses } from "../pdp/pipeline-parts.ts";
import { deviceIdIn } from "../registry/device-id-in.ts";
import { overrideMetrics } from "../registry/override-metrics.ts";
import { registryMetrics } from "../registry/registry-metrics.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Closing } from "../runtime/closing.ts";
import type { GrpcService, Metric } from "../runtime/ports.ts";
import { adminService, type ReceiptBook } from "../services/admin-service.ts";
import { bundleService } from "../services/bundle-service.ts";
import { registryService } from "../services/registry-service.ts";
import type { Requirement } from "../telemetry/health-routes.ts";
import { startBundles } from "./bundles.ts";
import type { Deciding } from "./deciding.ts";
import type { Facts } from "./facts.ts";
import { startRecordSources } from "./record-sources.ts";

/** Parts of {@link Writing}. */
export interface WritingParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly stack: Closing;
  readonly facts: Facts;
  readonly deciding: Deciding;
  /** Other processes that answer by the same bundle. */
  readonly others?: OtherProcesses;
}

/** The sources at work, and the faces of what only this process may do. */
export interface Writing {
  readonly requirements: readonly Requirement[];
  readonly metrics: readonly Metric[];
  services(receipts: ReceiptBook): readonly GrpcService[];
  /** Looks at the record file and the keyset now. */
  look(): Promise<void>;
}

/** Starts them: the policy, then the records, so that questions have answers. Throws `config_invalid` and others. */
export async function startWriting(parts: WritingParts): Promise<Writing> {
  const { clock, config, deciding, facts, stack } = parts;
  const { marked, overrides, plane, records, registry } = facts;
  const record = (act: AdminAct): string => {
    const id = nextDecisionId();
    deciding.log?.acted(act, id);
    return id;
  };
  const admin = new Admin({ overrides, registry, records: marked, clock, record });
  const { activation, pdp } = deciding;
  const bundles = await startBundles(config, { pdp, activation, clock, stack, others: parts.others, record });
  const sources = await startRecordSources(config, registry, facts.ledger, clock, stack);
  return {
    requirements: [
      {
        name: "bundle",
        missing: () => (pdp.snapshot === undefined ? bundles.pipeline.missing() : undefined),
      },
      {
        name: "registry",
        missing: () => (registry.freshness().synced ? undefined : "no snapshot of records was completed yet"),
      },
      { name: "overrides", missing: () => overrides.missing ?? plane?.missing },
    ],
    metrics: [
      ...pipelineMetrics(bundles.pipeline),
      ...registryMetrics(registry),
      ...sources.metrics,
      ...overrideMetrics(overrides, plane),
    ],
    services: (receipts) => [
      registryService({
        records,
        status: () => registry.status(),
        confirmLoss: (source) => registry.confirmLoss(source),
        idOf: (asked) => deviceIdIn(registry, asked),
        sync: {
          registry,
          validate: sources.validate,
          mill: sources.mill,
          clock,
          maxLostShare: config.registry.push.max_delete_share,
          silenceMs: config.registry.push.silence_s * 1000,
          ledger: facts.ledger,
        },
        bundle: () => activation.bundle,
      }),
      adminService(admin, receipts, plane),
      bundleService(bundles.pipeline, recordedActs(bundles.pipeline, record)),
    ],
    look: async () => {
      await sources.look();
      await bundles.look();
    },
  };
}
