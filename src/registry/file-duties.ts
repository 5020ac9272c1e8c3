/** Duties for whoever writes the record file: lines of an outbox beside it, each written once. */
import { appendFile, open, readFile } from "node:fs/promises";
import type { DeviceRecord } from "../decision/facts.ts";
import { Fault } from "../runtime/fault.ts";
import { type Duty, dutyOf } from "./duty.ts";
import type { StoredRecord } from "./stored-record.ts";
import type { Marks } from "./with-duties.ts";

/** Parts of {@link fileDuties}. */
export interface FileDutiesOptions {
  /** The outbox: NDJSON, one duty per line. Whoever reads it may cut it off or take it away. */
  readonly path: string;
  readonly marks: Marks;
  /** The record in force, where it is of the file. */
  readonly record: (device: string) => StoredRecord<DeviceRecord> | undefined;
}

/** Returns what writes the line of one device; on disk when it resolves. Rejects with `unreachable`. */
export function fileDuties({ marks, path, record }: FileDutiesOptions): (device: string) => Promise<void> {
  return async (device) => {
    const known = record(device)?.record;
    const duty = known === undefined ? undefined : dutyOf(device, known, marks);
    if (duty === undefined) return;
    const line = `${JSON.stringify({ kind: "duty", ...duty } satisfies Duty & { kind: string })}\n`;
    try {
      // It may have been written before a restart and not be read yet.
      const text = await readFile(path, "utf8").catch(() => "");
      if (text.includes(line)) return;
      // A line that a crash has cut off must not swallow this one.
      await appendFile(path, text === "" || text.endsWith("\n") ? line : `\n${line}`, { mode: 0o600 });
      const file = await open(path, "r+");
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (thrown) {
      throw Fault.from(thrown, "unreachable", `cannot write the duties in \`${path}\``);
    }
  };
}
