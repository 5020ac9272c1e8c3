/** Metrics of the doors of brokers. */
import type { BrokerDoor } from "../enforcement/broker-door.ts";
import type { Metric } from "../runtime/ports.ts";

/** Sessions (where `alone`: workers have copies), connects that came too often, and kicks that failed, by broker. */
export function brokerMetrics(doors: ReadonlyMap<string, BrokerDoor>, alone: boolean): Metric[] {
  const each = (read: (door: BrokerDoor) => number): Metric["read"] => {
    return () => [...doors].map(([broker, door]) => ({ labels: { broker }, value: read(door) }));
  };
  if (doors.size === 0) return [];
  const sessions: Metric = {
    name: "sallyport_broker_sessions",
    help: "Sessions of a broker that were let in and not seen to end.",
    type: "gauge",
    read: each((door) => door.point.sessions.size),
  };
  return [
    ...(alone ? [sessions] : []),
    {
      name: "sallyport_broker_turned_away_total",
      help: "Connects that came too often.",
      type: "counter",
      read: each((door) => door.point.parts.guard?.turnedAway ?? 0),
    },
    {
      name: "sallyport_broker_failed_kicks_total",
      help: "Attempts to end a session that the broker did not confirm.",
      type: "counter",
      read: each((door) => door.point.kicks?.failed ?? 0),
    },
    {
      name: "sallyport_broker_pending_kicks",
      help: "Sessions that are to end and that the broker has not confirmed to have ended.",
      type: "gauge",
      read: each((door) => door.point.kicks?.pending ?? 0),
    },
  ];
}
