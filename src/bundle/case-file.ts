/** `cases.json`: the questions that a bundle brings along, with their answers. */
import { Fault } from "../runtime/fault.ts";

/** Where they lie in the archive. */
export const casesPath = "cases.json";

/** One question as the policy sees it, and what it must answer. */
export interface BundleCase {
  readonly name: string;
  /** Without `sallyport/`. */
  readonly entrypoint: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly allow: boolean;
  readonly reason: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** By hand: each start of the thread that asks them would wait for a library that checks. */
function isCase(value: unknown): value is BundleCase {
  return (
    isObject(value) &&
    typeof value["name"] === "string" &&
    typeof value["entrypoint"] === "string" &&
    /^[a-z_]+$/.test(value["entrypoint"]) &&
    isObject(value["input"]) &&
    typeof value["allow"] === "boolean" &&
    typeof value["reason"] === "string"
  );
}

const malformed = (cause?: unknown): Fault =>
  new Fault("bundle_invalid", `the bundle's own cases in \`${casesPath}\` are malformed`, { cause });

/** Reads the cases of a bundle; none where it has no such file. Throws `bundle_invalid`. */
export function readBundleCases(file: Uint8Array | undefined): readonly BundleCase[] {
  if (file === undefined) return [];
  let cases: unknown;
  try {
    cases = JSON.parse(Buffer.from(file).toString("utf8"));
  } catch (thrown) {
    throw malformed(thrown);
  }
  if (!Array.isArray(cases) || !cases.every(isCase)) throw malformed();
  return cases;
}
