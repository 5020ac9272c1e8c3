/** Numbers of the registry for Prometheus. */

import type { Metric } from "../runtime/ports.ts";
import type { Registry } from "./registry.ts";

/** Freshness, revision, counts and rejected records. */
export function registryMetrics(registry: Registry): readonly Metric[] {
  return [
    {
      name: "sallyport_registry_age_seconds",
      help: "Age of the facts.",
      type: "gauge",
      read: () => [{ labels: {}, value: registry.freshness().ageS }],
    },
    {
      name: "sallyport_registry_revision",
      help: "Revision of the registry.",
      type: "gauge",
      read: () => [{ labels: {}, value: registry.revision }],
    },
    {
      name: "sallyport_registry_records",
      help: "Records in force by kind and state; `invalid` ones are isolated.",
      type: "gauge",
      read: () =>
        Object.entries(registry.status().counts).flatMap(([kind, states]) =>
          Object.entries(states).map(([state, value]) => ({ labels: { kind, state }, value })),
        ),
    },
    {
      name: "sallyport_registry_source_rejected_records",
      help: "Records that the last snapshot of a source brought and that were rejected.",
      type: "gauge",
      read: () =>
        registry
          .status()
          .sources.map(({ name, rejectedTotal }) => ({ labels: { source: name }, value: rejectedTotal })),
    },
    {
      name: "sallyport_registry_source_age_seconds",
      help: "Age of what a source has said.",
      type: "gauge",
      read: () =>
        registry.status().sources.map(({ name, ageS }) => ({ labels: { source: name }, value: ageS })),
    },
    {
      name: "sallyport_registry_sync_events_total",
      help: "What happened on the feed of a source: changes applied, ignored, rejected, gaps, resyncs.",
      type: "counter",
      read: () =>
        registry.status().sources.flatMap(({ counters, name }) =>
          Object.entries<number>({ ...counters }).map(([event, value]) => ({
            labels: { source: name, event },
            value,
          })),
        ),
    },
    {
      name: "sallyport_registry_resyncs_total",
      help: "How often a source began again, by reason: a gap, an expired resume token, another epoch...",
      type: "counter",
      read: () =>
        registry
          .status()
          .sources.flatMap(({ name, resyncs = {} }) =>
            Object.entries(resyncs).map(([reason, value]) => ({ labels: { source: name, reason }, value })),
          ),
    },
    {
      name: "sallyport_registry_source_diverges",
      help: "Whether what is held of a source differs from what it says it has.",
      type: "gauge",
      read: () =>
        registry.status().sources.map(({ diverges, name }) => ({
          labels: { source: name },
          value: diverges === true ? 1 : 0,
        })),
    },
    {
      name: "sallyport_registry_source_unconfirmed_loss",
      help: "Records that a refused snapshot of a source would delete; it waits to be confirmed.",
      type: "gauge",
      read: () =>
        registry.status().sources.map(({ name, unconfirmedLoss }) => ({
          labels: { source: name },
          value: unconfirmedLoss ?? 0,
        })),
    },
    {
      name: "sallyport_registry_source_loading_records",
      help: "Records taken so far of the snapshot that a source is loading; no sample where none is.",
      type: "gauge",
      read: () =>
        registry
          .status()
          .sources.flatMap(({ loading, name }) =>
            loading === undefined ? [] : [{ labels: { source: name }, value: loading.records }],
          ),
    },
    {
      name: "sallyport_registry_source_loading_expected",
      help: "About how many records that snapshot has; 0: nobody knows.",
      type: "gauge",
      read: () =>
        registry
          .status()
          .sources.flatMap(({ loading, name }) =>
            loading === undefined ? [] : [{ labels: { source: name }, value: loading.expected }],
          ),
    },
    {
      name: "sallyport_registry_source_faulty",
      help: "Whether a source could not be used when it was last tried.",
      type: "gauge",
      read: () =>
        registry.status().sources.map(({ name, fault }) => ({
          labels: { source: name },
          value: fault === undefined ? 0 : 1,
        })),
    },
  ];
}
