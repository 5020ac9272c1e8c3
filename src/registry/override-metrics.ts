/** Numbers of the overrides for Prometheus. */
import type { Metric } from "../runtime/ports.ts";
import type { OverridePlane } from "./override-plane.ts";
import type { Overrides } from "./overrides.ts";

/** How many there are, and how old what other nodes have done is. */
export function overrideMetrics(overrides: Overrides, plane: OverridePlane | undefined): readonly Metric[] {
  const inForce: Metric = {
    name: "sallyport_overrides",
    help: "Overrides in force, by kind.",
    type: "gauge",
    read: () => {
      const counts = new Map<string, number>();
      for (const { kind } of overrides.list()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
      return [...counts].map(([kind, value]) => ({ labels: { kind }, value }));
    },
  };
  if (plane === undefined) return [inForce];
  return [
    inForce,
    {
      name: "sallyport_overrides_plane_age_seconds",
      help: "Time since this node knew all that other nodes had done.",
      type: "gauge",
      read: () => [{ labels: {}, value: plane.ageS }],
    },
    {
      name: "sallyport_overrides_plane_faulty",
      help: "Whether the overrides of other nodes could not be followed when that was last tried.",
      type: "gauge",
      read: () => [{ labels: {}, value: plane.status().fault === undefined ? 0 : 1 }],
    },
  ];
}
