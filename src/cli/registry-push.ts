/** Pushes an NDJSON file over `RegistryService.Sync`. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, createReadStream, fsyncSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { type ClientDuplexStream, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  RegistryServiceClient,
  type SyncDuty,
  type SyncRequest,
  type SyncResponse,
} from "../gen/sallyport/v1/registry.ts";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import type { ConnectionFlags } from "./connection.ts";
import { Progress } from "./progress.ts";
import type { Pushed } from "./registry-page.ts";
import { openStub, toCallFault } from "./service-call.ts";

type Call = ClientDuplexStream<SyncRequest, SyncResponse>;

/** Records in one message. */
const batchSize = 64;

/** Epoch of all pushed files: a later push is a later revision. */
const epoch = "file";

interface Outcome {
  source: string;
  acks: number;
  count: number;
  refused: string | undefined;
  readonly rejected: { key: string; reason: string }[];
  readonly duties: SyncDuty[];
  /** Told with each acknowledgement. */
  heard: () => void;
}

async function send(call: Call, message: SyncRequest["message"]): Promise<void> {
  if (!call.write({ message })) await once(call, "drain");
}

/** One line as a message; `undefined`: nothing to send. Throws `record_invalid`. */
function toUpsert(line: string, number: number): { kind: string; record_json: string } | undefined {
  if (line.trim() === "") return undefined;
  try {
    const { kind, record } = JSON.parse(line) as { kind?: unknown; record?: unknown };
    if (kind === "end") return undefined;
    return { kind: String(kind), record_json: JSON.stringify(record ?? null) };
  } catch (thrown) {
    throw Fault.from(thrown, "record_invalid", `line ${number} is not JSON`);
  }
}

async function sendAll(call: Call, file: string, revision: number): Promise<number> {
  const hash = createHash("sha256");
  let count = 0;
  let number = 0;
  const progress = new Progress("pushing", statSync(file).size);
  let read = 0;
  let requests: SyncRequest[] = [];
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number++;
    read += line.length + 1;
    // It counts bytes, and looks at the clock for every 64th line.
    if (number % 64 === 0) progress.at(read - (read % 64));
    const upsert = toUpsert(line, number);
    if (upsert === undefined) continue;
    count++;
    hash.update(upsert.record_json).update("\n");
    requests.push({
      message: { $case: "upsert", value: { ...upsert, revision: number, prev: 0, version: revision } },
    });
    if (requests.length < batchSize) continue;
    await send(call, { $case: "batch", value: { requests } });
    requests = [];
  }
  if (requests.length > 0) await send(call, { $case: "batch", value: { requests } });
  progress.done();
  const checksum = `sha256:${hash.digest("hex")}`;
  await send(call, { $case: "end_snapshot", value: { count, checksum } });
  await send(call, { $case: "bookmark", value: { revision, as_of: systemClock.now(), digests: [] } });
  return count;
}

function listen(call: Call, outcome: Outcome, flags: ConnectionFlags): Promise<void> {
  return new Promise((resolve, reject) => {
    call.on("data", ({ message }: SyncResponse) => {
      if (message?.$case === "welcome") outcome.source = message.value.source;
      else if (message?.$case === "ack") {
        outcome.acks++;
        outcome.heard();
      } else if (message?.$case === "duty") outcome.duties.push(message.value);
      else if (message?.$case === "nack") outcome.rejected.push(message.value);
      else if (message?.$case === "resync") {
        outcome.refused ??= message.value.detail;
        outcome.heard();
      }
    });
    call.on("error", (error: ServiceError) => reject(toCallFault(error, flags)));
    call.on("end", resolve);
  });
}

/** How a file is pushed. */
export interface PushOptions {
  readonly source: string;
  readonly confirmDeletions: boolean;
  /** File that duties are appended to, NDJSON; they are taken then. Absent: they are shown, and told again next time. */
  readonly duties?: string;
}

/** The snapshot and the bookmark behind it are acknowledged: every duty has come. Or the snapshot was refused. */
function settled(outcome: Outcome): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (outcome.acks >= 2 || outcome.refused !== undefined) resolve();
    };
    outcome.heard = look;
    look();
  });
}

/** Appends those that are not there yet; on disk when it returns. */
function recordDuties(file: string, duties: readonly SyncDuty[]): void {
  const at = openSync(file, "a+", 0o600);
  const known = readFileSync(file, "utf8");
  const lines = duties
    .map((duty) => `${JSON.stringify({ kind: "duty", ...duty })}\n`)
    .filter((line) => !known.includes(line))
    .join("");
  try {
    writeSync(at, lines);
    fsyncSync(at);
  } finally {
    closeSync(at);
  }
}

/** Pushes the records of `file` as one snapshot. Rejects where nothing was put in force. */
export async function pushFile(
  flags: ConnectionFlags,
  file: string,
  { confirmDeletions, duties: outbox, source }: PushOptions,
): Promise<Pushed> {
  const { stub } = openStub(flags, RegistryServiceClient);
  const call: Call = stub.sync(new Metadata());
  const outcome: Outcome = {
    source,
    acks: 0,
    count: 0,
    refused: undefined,
    rejected: [],
    duties: [],
    heard: () => {},
  };
  const answered = listen(call, outcome, flags);
  try {
    const revision = systemClock.wallMs();
    const sending = async (): Promise<void> => {
      await send(call, {
        $case: "hello",
        value: { source, epoch, confirm_deletions: confirmDeletions, takes_duties: true },
      });
      await send(call, { $case: "begin_snapshot", value: { revision } });
      outcome.count = await sendAll(call, file, revision);
      await settled(outcome);
      if (outbox !== undefined && outcome.duties.length > 0) {
        recordDuties(outbox, outcome.duties);
        for (const { key } of outcome.duties) await send(call, { $case: "duty_taken", value: { key } });
      }
      call.end();
      await answered;
    };
    // A service that ends the call early is not sent the rest.
    await Promise.race([sending(), answered]);
    if (outcome.acks === 0)
      throw new Fault("snapshot_refused", outcome.refused ?? "the service did not take the snapshot");
    return {
      source: outcome.source,
      records: outcome.count - outcome.rejected.length,
      rejected: outcome.rejected,
      duties: outcome.duties,
    };
  } catch (thrown) {
    call.cancel();
    answered.catch(() => undefined);
    throw Fault.from(thrown, "source_unavailable", `cannot push \`${file}\``);
  } finally {
    stub.close();
  }
}
