/** Where bundles stand, for Prometheus. */
import { type Candidate, candidateStates } from "../bundle/candidate.ts";
import type { Fault } from "../runtime/fault.ts";
import type { Metric } from "../runtime/ports.ts";

/** What the numbers are of. */
export interface PipelineNumbers {
  readonly candidate: Candidate | undefined;
  readonly refusals: number;
  readonly expired: boolean;
  readonly keepFault: Fault | undefined;
}

/** Metrics of a pipeline. */
export function pipelineMetrics(pipeline: PipelineNumbers): readonly Metric[] {
  const flag = (name: string, help: string, read: () => boolean): Metric => ({
    name,
    help,
    type: "gauge",
    read: () => [{ labels: {}, value: read() ? 1 : 0 }],
  });
  return [
    {
      name: "sallyport_bundle_refusals_total",
      help: "Bundles that were refused, and sources that brought none.",
      type: "counter",
      read: () => [{ labels: {}, value: pipeline.refusals }],
    },
    {
      name: "sallyport_bundle_candidate",
      help: "1 for the state that the last bundle offered is in.",
      type: "gauge",
      read: () =>
        candidateStates.map((state) => ({
          labels: { state },
          value: pipeline.candidate?.state === state ? 1 : 0,
        })),
    },
    flag(
      "sallyport_bundle_expired",
      "1: the bundle in force should have been replaced by now; it goes on deciding.",
      () => pipeline.expired,
    ),
    flag(
      "sallyport_bundle_unkept",
      "1: the bundle in force could not be kept for a restart.",
      () => pipeline.keepFault !== undefined,
    ),
  ];
}
