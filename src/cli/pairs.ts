/** Options that hold several values: `id=alice,roles=operator+safety`. */
import { Fault } from "../runtime/fault.ts";

/** Values by name; only known names. */
export type Pairs<Name extends string> = Readonly<Partial<Record<Name, string>>>;

/**
 * Reads `name=value,name=value`. A value ends at the next comma.
 * @throws Fault `request_invalid` for an unknown, repeated or missing name
 */
export function parsePairs<Name extends string>(
  option: string,
  text: string,
  known: readonly Name[],
  required: readonly Name[] = [],
): Pairs<Name> {
  const pairs: Partial<Record<Name, string>> = {};
  const wrong = (what: string): Fault =>
    new Fault("request_invalid", `\`${option}\` ${what}: give \`name=value,...\` of ${known.join(", ")}`);
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    const name = known.find((each) => each === part.slice(0, Math.max(at, 0)).trim());
    if (name === undefined) throw wrong(`has \`${part}\``);
    if (pairs[name] !== undefined) throw wrong(`has \`${name}\` twice`);
    pairs[name] = part.slice(at + 1).trim();
  }
  const missing = required.filter((name) => (pairs[name] ?? "") === "");
  if (missing.length > 0) throw wrong(`lacks ${missing.map((name) => `\`${name}\``).join(" and ")}`);
  return pairs;
}

/** One of `choices`. @throws Fault `request_invalid` */
export function parseChoice<Choice extends string>(
  name: string,
  text: string,
  choices: readonly Choice[],
): Choice {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new Fault("request_invalid", `\`${name}\` is \`${text}\`, which is none of ${choices.join(", ")}`);
}

/** `true` or `false`. @throws Fault `request_invalid` */
export const parseBoolean = (name: string, text: string): boolean =>
  parseChoice(name, text, ["true", "false"]) === "true";

/** Words joined by `+`. */
export const parseWords = (text: string): string[] => text.split("+").filter((word) => word !== "");
