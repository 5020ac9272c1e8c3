/** Strings. */
import type { Term } from "../term.ts";
import type { Builtin, BuiltinTable } from "./builtin.ts";
import { array, integer, isArray, isSet, text } from "./operands.ts";
import { sprintf } from "./sprintf.ts";
import { renderTemplate } from "./template.ts";

const strings = (term: Term | undefined): readonly string[] => {
  if (typeof term === "string") return [term];
  if (!isArray(term) && !isSet(term)) throw new TypeError("not strings");
  return [...term].map(text);
};

/** Whether any string of the first argument starts (ends) with any of the second; each a string, array or set. */
const anyAffix =
  (matches: (value: string, affix: string) => boolean): Builtin =>
  (values, affixes) => {
    const wanted = strings(affixes);
    return strings(values).some((value) => wanted.some((affix) => matches(value, affix)));
  };

/** Start of each occurrence, in code points; overlapping ones too. */
function indexes(value: string, part: string): Term {
  if (part === "") throw new TypeError("nothing to look for");
  const [symbols, wanted] = [Array.from(value), Array.from(part)];
  const found: number[] = [];
  for (let at = 0; at + wanted.length <= symbols.length; at++) {
    if (wanted.every((symbol, index) => symbols[at + index] === symbol)) found.push(at);
  }
  return found;
}

/** The first `count` parts, or the last ones where it is below zero. */
function splitN(value: string, part: string, count: number): Term {
  const parts = part === "" ? Array.from(value) : value.split(part);
  return count >= 0 ? parts.slice(0, count) : parts.slice(count);
}

/** Builtins on strings that the module lacks. */
export const stringBuiltins: BuiltinTable = {
  sprintf: (format, values) => sprintf(format, array(values)),
  "strings.any_prefix_match": anyAffix((value, prefix) => value.startsWith(prefix)),
  "strings.any_suffix_match": anyAffix((value, suffix) => value.endsWith(suffix)),
  "strings.count": (search, part) => {
    if (text(part) === "") return Array.from(text(search)).length + 1;
    return text(search).split(text(part)).length - 1;
  },
  "strings.split_n": (value, part, limit) => splitN(text(value), text(part), integer(limit)),
  "strings.render_template": (template, values) => renderTemplate(text(template), values),
  indexof_n: (value, part) => indexes(text(value), text(part)),
};
