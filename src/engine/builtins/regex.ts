/** Regular expressions with RE2's grammar and linear time. */
import { RE2JS } from "re2js";
import type { Term } from "../term.ts";
import type { BuiltinTable } from "./builtin.ts";
import { globsMeet } from "./globs-meet.ts";
import { integer, text } from "./operands.ts";

const compiled = new Map<string, RE2JS>();
const maxCompiled = 256;

function compile(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const made = RE2JS.compile(pattern);
  if (compiled.size >= maxCompiled) compiled.clear();
  compiled.set(pattern, made);
  return made;
}

/** Start, end and groups of each match; an empty match right after another one is none, as in Go. */
function matches(
  pattern: string,
  value: string,
  limit: number,
): { start: number; end: number; groups: (string | null)[]; names: Readonly<Record<string, number>> }[] {
  const expression = compile(pattern);
  const matcher = expression.matcher(value);
  const names = (expression.namedGroups() ?? {}) as Readonly<Record<string, number>>;
  const found = [];
  let last = -1;
  while ((limit < 0 || found.length < limit) && matcher.find()) {
    const [start, end] = [matcher.start(), matcher.end()];
    if (start === end && start === last) continue;
    last = end;
    const groups = Array.from(
      { length: matcher.groupCount() + 1 },
      (_, index) => matcher.group(index) as string | null,
    );
    found.push({ start, end, groups, names });
  }
  return found;
}

function split(pattern: string, value: string): string[] {
  if (pattern !== "" && value === "") return [""];
  const parts: string[] = [];
  let from = 0;
  for (const { start, end } of matches(pattern, value, -1)) {
    if (end === 0) continue;
    if (start === value.length && start === end) break;
    parts.push(value.slice(from, start));
    from = end;
  }
  parts.push(value.slice(from));
  return parts;
}

/** Go's Expand: `$1`, `${1}`, `$name`, the longest name; an unknown one is empty, `$$` a dollar. */
function replace(value: string, pattern: string, template: string): string {
  let replaced = "";
  let from = 0;
  for (const { start, end, groups, names } of matches(pattern, value, -1)) {
    const expanded = template.replace(/\$(?:(\$)|(\w+)|\{(\w+)\})/g, (_whole, dollar, bare, braced) => {
      if (dollar !== undefined) return "$";
      const name = (bare ?? braced) as string;
      const index = /^\d+$/.test(name) ? Number(name) : names[name];
      return index === undefined ? "" : (groups[index] ?? "");
    });
    replaced += value.slice(from, start) + expanded;
    from = end;
  }
  return replaced + value.slice(from);
}

const literal = (part: string): string => part.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");

/** A text with expressions between delimiters, which may nest. */
function fromTemplate(template: string, start: string, end: string): string {
  if (Buffer.byteLength(start) !== 1 || Buffer.byteLength(end) !== 1)
    throw new TypeError("a delimiter is one character");
  let pattern = "^";
  let depth = 0;
  let from = 0;
  for (let at = 0; at < template.length; at++) {
    if (template[at] === start) {
      if (depth++ > 0) continue;
      pattern += literal(template.slice(from, at));
      from = at + 1;
    } else if (template[at] === end) {
      if (--depth < 0) throw new TypeError("the delimiters are not balanced");
      if (depth > 0) continue;
      pattern += `(${template.slice(from, at)})`;
      from = at + 1;
    }
  }
  if (depth !== 0) throw new TypeError("the delimiters are not balanced");
  return `${pattern}${literal(template.slice(from))}$`;
}

/** Builtins on regular expressions and globs that the module lacks. */
export const regexBuiltins: BuiltinTable = {
  "regex.find_n": (pattern, value, limit): Term =>
    matches(text(pattern), text(value), integer(limit)).map(({ groups }) => groups[0] as string),
  "regex.split": (pattern, value) => split(text(pattern), text(value)),
  "regex.replace": (value, pattern, template) => replace(text(value), text(pattern), text(template)),
  "regex.template_match": (template, value, start, end) =>
    compile(fromTemplate(text(template), text(start), text(end)))
      .matcher(text(value))
      .find(),
  "regex.globs_match": (left, right) => globsMeet(text(left), text(right)),
  "glob.quote_meta": (pattern) => text(pattern).replace(/[\\*?[\]{}]/g, "\\$&"),
};
