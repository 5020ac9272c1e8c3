import type * as z from "zod";
import { nearest } from "./nearest.ts";
import type { Option } from "./options.ts";

/** Something wrong: where, and in words. */
export interface Problem {
  readonly at: readonly PropertyKey[];
  readonly text: string;
}

/** `peers[0].name` */
export function showPath(at: readonly PropertyKey[]): string {
  return at
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${String(key)}`))
    .join("");
}

/** Names that may stand beside `at`, as the schema knows them. */
function siblings(at: readonly PropertyKey[], options: readonly Option[]): string[] {
  const parent = at.map((key) => (typeof key === "number" ? "[]" : `.${String(key)}`)).join("");
  const prefix = parent === "" ? "" : `${parent.slice(1)}.`;
  return options
    .filter(({ path }) => path.startsWith(prefix) && !path.slice(prefix.length).includes("."))
    .map(({ path }) => path.slice(prefix.length));
}

function unknownKey(at: readonly PropertyKey[], key: string, options: readonly Option[]): Problem {
  const known = siblings(at, options);
  const elsewhere = options.filter(({ path }) => path.endsWith(`.${key}`) && !path.includes("[]"));
  const close = nearest(key, known);
  const hint = close === undefined ? elsewhere[0]?.path : showPath([...at, close]);
  const advice = hint === undefined ? `known here: ${known.join(", ")}` : `did you mean \`${hint}\`?`;
  return { at: [...at, key], text: `unknown option \`${showPath([...at, key])}\`, ${advice}` };
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** An issue of the schema in our words: unknown keys with the nearest known one, absent options as missing. */
export function describeIssue(issue: z.core.$ZodIssue, options: readonly Option[]): Problem[] {
  const at = issue.path;
  const name = showPath(at);
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(at, key, options));
  if (
    issue.code === "invalid_type" &&
    issue.input === undefined &&
    issue.message.endsWith("received undefined")
  ) {
    const variable = options.find(({ path }) => path === name)?.variable;
    return [{ at, text: `\`${name}\` is missing${variable === undefined ? "" : ` (or \`${variable}\`)`}` }];
  }
  if (issue.code === "invalid_value") {
    const choices = issue.values.map((value) => `\`${String(value)}\``).join(", ");
    return [{ at, text: `\`${name}\` must be one of ${choices}` }];
  }
  if (issue.code === "invalid_key" && issue.issues[0] !== undefined) {
    return [{ at, text: `\`${name}\`: ${lower(issue.issues[0].message)}` }];
  }
  return [{ at, text: `\`${name}\`: ${lower(issue.message.replace(/^Invalid input: /, ""))}` }];
}
