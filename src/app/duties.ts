/** Ways back of what the service must remember, to the sources that want to hear it. */
import type { Config } from "../config/config.ts";
import type { DutyLedger } from "../registry/duty-ledger.ts";
import { DutyQueue } from "../registry/duty-queue.ts";
import { fileDuties } from "../registry/file-duties.ts";
import { httpDuties } from "../registry/http-duties.ts";
import type { FeedCredentials } from "../registry/http-feed.ts";
import { type OwnRecord, owes, ownedBy } from "../registry/owes.ts";
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
  // A duty is its owner's, and due until the owner's record says it.
  const due = (own: OwnRecord) => ({ ledger, records: registry, owes: owes(own, ledger) });
  if (file?.write_back === true) {
    const record = ownedBy(registry, "file");
    const deliver = fileDuties({ path: `${file.path}.duties.ndjson`, marks: ledger, record });
    queues.set("file", stack.use(new DutyQueue({ ...due(record), deliver })));
  }
  for (const each of http) {
    if (each.write_back_url === undefined) continue;
    const source = `http:${each.name}`;
    const deliver = httpDuties({
      url: each.write_back_url,
      marks: ledger,
      silenceMs: each.silence_s * 1000,
      credentials: () => credentialsOf(each),
    });
    const retryMs = Math.min(5000, each.backoff_s * 1000);
    queues.set(source, stack.use(new DutyQueue({ ...due(ownedBy(registry, source)), retryMs, deliver })));
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
