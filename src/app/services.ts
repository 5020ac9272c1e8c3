/** The faces of what every process that decides can answer by itself. */
import type { Config } from "../config/config.ts";
import type { Overrides } from "../registry/overrides.ts";
import type { Registry } from "../registry/registry.ts";
import type { RecordReader } from "../registry/stored-record.ts";
import type { Clock } from "../runtime/clock.ts";
import type { GrpcService } from "../runtime/ports.ts";
import { decisionService } from "../services/decision-service.ts";
import type { Deciding } from "./deciding.ts";
import { updates } from "./updates.ts";

/** What they are made of. */
export interface DecidingServiceParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly deciding: Deciding;
  readonly registry: Pick<Registry, "rollout" | "deviceIdsAfter" | "releaseIds">;
  readonly records: RecordReader;
  readonly overrides: Pick<Overrides, "of">;
}

/** Services that need no writer. */
export function decidingServices(parts: DecidingServiceParts): readonly GrpcService[] {
  const { clock, config, deciding, overrides, records, registry } = parts;
  const { coherence, pdp, watch } = deciding;
  const deciderOf = deciding.deciderOf.bind(deciding);
  return [
    decisionService({ deciderOf, limits: config.limits, promised: coherence.promised }),
    coherence.service(deciderOf),
    updates({ registry, records, overrides, watch, pdp, clock, deciderOf }),
  ];
}
