/** A bucket that its source sends again because it differed here. */
import type { RecordKey } from "../decision/facts.ts";
import { bucketOf } from "./bucket-digest.ts";
import type { Delta } from "./delta-batch.ts";
import { parseUpsert } from "./parse-upsert.ts";
import type { RecordValidator } from "./record-validator.ts";
import type { SyncEvent } from "./sync.ts";

/** What was sent of it so far. */
export class BucketRepair {
  readonly tenant: string;
  readonly bucket: number;
  readonly #revision: number;
  readonly #deltas: Delta[] = [];
  readonly #keys = new Set<RecordKey>();

  constructor(tenant: string, bucket: number, revision: number) {
    this.tenant = tenant;
    this.bucket = bucket;
    this.#revision = revision;
  }

  /** Takes one record. */
  take(event: SyncEvent & { type: "upsert" | "delete" }, validate: RecordValidator): undefined {
    if (event.type === "delete") return;
    const entry = parseUpsert(event, validate);
    if (entry.key !== undefined) this.#keys.add(entry.key);
    this.#deltas.push({ act: "upsert", entry, version: event.version || event.revision, repair: true });
  }

  /** What mends the bucket, given what is `here`; `undefined`: it came incomplete. */
  deltas(count: number, here: readonly (readonly [RecordKey, number])[]): readonly Delta[] | undefined {
    if (count !== this.#deltas.length) return undefined;
    const gone = here
      .filter(([key]) => !this.#keys.has(key) && bucketOf(key) === this.bucket)
      .map(([key]): Delta => ({ act: "delete", key, version: this.#revision, repair: true }));
    return [...this.#deltas, ...gone];
  }
}
