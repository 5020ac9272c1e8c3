/** Questions of a recorded decision log: each input that a policy saw, to be asked once more. */
import { open } from "node:fs/promises";
import { readLines } from "../registry/read-lines.ts";
import { Fault } from "../runtime/fault.ts";
import { type Facts, isFacts } from "./facts.ts";
import type { Sample } from "./fleet-questions.ts";

/** What a log holds. */
export interface LogQuestions {
  readonly samples: readonly Sample[];
  /** Events whose whole input is not there: masked, erased, repeats of a cached answer, host denials. */
  readonly skipped: number;
}

/** Reads a log in NDJSON. @throws Fault `request_invalid` where the file cannot be read */
export async function readLogQuestions(path: string): Promise<LogQuestions> {
  const samples: Sample[] = [];
  let skipped = 0;
  const file = await open(path).catch((error: unknown) => {
    throw new Fault("request_invalid", `the decision log \`${path}\` cannot be read`, { cause: error });
  });
  try {
    for await (const lines of readLines(file)) {
      for (const { bytes, number } of lines) {
        if (bytes.length === 0) continue;
        const sample = sampleOf(bytes, `${path}:${number}`);
        if (sample === undefined) skipped++;
        else samples.push(sample);
      }
    }
  } finally {
    await file.close();
  }
  return { samples, skipped };
}

function sampleOf(bytes: Buffer, from: string): Sample | undefined {
  let event: unknown;
  try {
    event = JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
  if (!isFacts(event) || typeof event["path"] !== "string") return undefined;
  const { input, path } = event;
  const whole = isFacts(input) && typeof input["now"] === "number" && isFacts(input["request"]);
  if (!whole || event["masked"] !== undefined || event["erased"] !== undefined) return undefined;
  return { from, ask: path.replace(/^\/?sallyport\//, ""), facts: input as Facts };
}
