/** Numbers of the attached streams, for Prometheus. */
import type { Metric } from "../runtime/ports.ts";
import type { Attachments } from "./attachments.ts";

/** Gauges of streams, sessions, changes and promises. */
export function attachmentMetrics(attachments: Attachments): readonly Metric[] {
  const one = (name: string, help: string, type: Metric["type"], read: () => number): Metric => ({
    name,
    help,
    type,
    read: () => [{ labels: {}, value: read() }],
  });
  return [
    one("sallyport_attached_streams", "Streams that are attached.", "gauge", () => attachments.attached),
    one("sallyport_attached_sessions", "Sessions announced by them.", "gauge", () => attachments.sessions),
    {
      ...one(
        "sallyport_changes_total",
        "Changes that were announced.",
        "counter",
        () => attachments.position,
      ),
      across: "max",
    },
    one(
      "sallyport_promises",
      "Records with answers promised to callers who cannot be told of a change.",
      "gauge",
      () => attachments.promises.size,
    ),
  ];
}
