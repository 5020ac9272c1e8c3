/** Ways back of what the service must remember, to the sources that want to hear it. */
import type { Config } from "../config/config.ts";
import type { DutyLedger } from "../registry/duty-ledger.ts";
import { DutyQueue, devicesIn } from "../registry/duty-queue.ts";
import { fileDuties } from "../registry/file-duties.ts";
import { httpDuties } from "../registry/http-duties.ts";
import type { FeedCredentials } from "../registry/http-feed.ts";
import type { Registry } from "../registry/registry.ts";
import type { Closing } from "../runtime/closing.ts";
import type { Metric } from "../runtime/ports.ts";

/** What waits to be told, for metrics. */
export interface Waiting {
  readonly due: number;
}

/** Starts those of files and servers. A duty goes to the source that owns the record, where that one is configured to hear it. */
export function startDuties(
  { registry: { file, http } }: Config,
  registry: Registry,
  ledger: DutyLedger,
  credentialsOf: (source: Config["registry"]["http"][number]) => Promise<FeedCredentials>,
  stack: Closing,
): ReadonlyMap<string, Waiting> {
  const queues = new Map<string, Waiting>();
  const of = (source: string, device: string) => {
    const stored = registry.device(device);
    return stored?.source === source ? stored : undefined;
  };
  const watched = (queue: DutyQueue): DutyQueue => {
    // A source may say again what it was told otherwise, or own a device only now.
    stack.defer(
      registry.onChange((change) => {
        if (change.scope !== "records") return;
        queue.look(devicesIn(change.keys).filter((id) => ledger.reentrySince(id) > 0));
      }),
    );
    return queue;
  };
  if (file?.write_back === true) {
    const record = (device: string) => of("file", device);
    const deliver = fileDuties({ path: `${file.path}.duties.ndjson`, marks: ledger, record });
    queues.set("file", watched(stack.use(new DutyQueue({ ledger, deliver }))));
  }
  for (const each of http) {
    if (each.write_back_url === undefined) continue;
    const source = `http:${each.name}`;
    const tell = httpDuties({
      url: each.write_back_url,
      marks: ledger,
      silenceMs: each.silence_s * 1000,
      credentials: () => credentialsOf(each),
    });
    queues.set(
      source,
      watched(
        stack.use(
          new DutyQueue({
            ledger,
            retryMs: Math.min(5000, each.backoff_s * 1000),
            deliver: async (device, signal) => {
              if (of(source, device) !== undefined) await tell(device, signal);
            },
          }),
        ),
      ),
    );
  }
  return queues;
}

/** How many devices their sources are still to be told of. */
export function dutyMetric(queues: ReadonlyMap<string, Waiting>): Metric {
  return {
    name: "sallyport_registry_duties_due",
    help: "Devices of which a source is still to be told: trust that was lost here, claims that were spent.",
    type: "gauge",
    read: () => [...queues].map(([source, { due }]) => ({ labels: { source }, value: due })),
  };
}
