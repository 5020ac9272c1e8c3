/** `cases.json`: the questions that a bundle brings along, with their answers. */
import * as z from "zod";
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

const schema = z.array(
  z.object({
    name: z.string(),
    entrypoint: z.string().regex(/^[a-z_]+$/),
    input: z.record(z.string(), z.unknown()),
    allow: z.boolean(),
    reason: z.string(),
  }),
);

/** Reads the cases of a bundle; none where it has no such file. Throws `bundle_invalid`. */
export function readBundleCases(file: Uint8Array | undefined): readonly BundleCase[] {
  if (file === undefined) return [];
  try {
    return schema.parse(JSON.parse(Buffer.from(file).toString("utf8")));
  } catch (thrown) {
    throw new Fault("bundle_invalid", `the bundle's own cases in \`${casesPath}\` are malformed`, {
      cause: thrown,
    });
  }
}
