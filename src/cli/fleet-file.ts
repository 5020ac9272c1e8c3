/** A fleet file as records by key: what a source would put in force. */
import { open } from "node:fs/promises";
import type { RecordKey } from "../decision/facts.ts";
import { parseEntry } from "../registry/parse-entry.ts";
import { readLines } from "../registry/read-lines.ts";
import { createRecordValidator } from "../registry/record-validator.ts";
import type { AnyRecord } from "../registry/stored-record.ts";
import { Fault } from "../runtime/fault.ts";
import { absolute } from "../workbench/facts.ts";

/** Its records, and what is wrong with the lines that hold none. */
export interface FleetFile {
  readonly records: Map<RecordKey, AnyRecord>;
  readonly invalid: string[];
}

/** Reads NDJSON; times as `"@-2h"` are relative to `now`. @throws Fault `request_invalid` */
export async function readFleetFile(path: string, now: number): Promise<FleetFile> {
  const validate = createRecordValidator();
  const records = new Map<RecordKey, AnyRecord>();
  const invalid: string[] = [];
  const file = await open(path).catch((error: unknown) => {
    throw new Fault("request_invalid", `the fleet file \`${path}\` cannot be read`, { cause: error });
  });
  const take = (text: string, number: number): void => {
    if (text.trim() === "") return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      invalid.push(`line ${number}: not JSON`);
      return;
    }
    const entry = parseEntry(text.includes('"@') ? absolute(value, now) : value, validate);
    if ("end" in entry) return;
    if (entry.record === undefined)
      invalid.push(`line ${number}: ${entry.key ?? "no key"}: ${entry.invalid}`);
    else records.set(entry.key, entry.record);
  };
  try {
    for await (const lines of readLines(file))
      for (const { bytes, number } of lines) take(bytes.toString("utf8"), number);
  } finally {
    await file.close();
  }
  return { records, invalid };
}
