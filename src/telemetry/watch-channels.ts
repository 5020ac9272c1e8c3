import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Clock } from "../runtime/clock.ts";
import type { Wording } from "./channel-lines.ts";
import type { Logger } from "./logger.ts";

/** Lines that one channel may cause in each period; the rest are counted and told with the next line. */
const linesPerPeriod = 20;
const periodMs = 10_000;

/**
 * Logs what is published on diagnostics channels until the returned value is disposed of. A channel that
 * publishes without end (a fault per request) cannot flood the log. Never throws into a publisher.
 */
export function watchChannels(
  lines: Readonly<Record<string, Wording>>,
  logger: Logger,
  clock: Clock,
): Disposable {
  const listeners = Object.entries(lines).map(([name, wording]) => {
    let [periodStart, written, suppressed] = [clock.monotonicMs(), 0, 0];
    const listen = (message: unknown): void => {
      try {
        const line = wording(message);
        if (line === undefined) return;
        const nowMs = clock.monotonicMs();
        if (nowMs - periodStart >= periodMs) [periodStart, written] = [nowMs, 0];
        if (written >= linesPerPeriod) {
          suppressed += 1;
          return;
        }
        written += 1;
        const fields = suppressed === 0 ? line.fields : { ...line.fields, suppressed };
        suppressed = 0;
        logger[line.level](line.message, fields);
      } catch (error) {
        logger.error("a message cannot be logged", { channel: name, error });
      }
    };
    subscribe(name, listen);
    return [name, listen] as const;
  });
  return {
    [Symbol.dispose]: () => {
      for (const [name, listen] of listeners) unsubscribe(name, listen);
    },
  };
}
