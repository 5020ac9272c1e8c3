/** Go's `text/template`, as far as fields, variables, `if`, `range` and `with` go. */

import { doubleOf, numText } from "../numeral.ts";
import { formatTerm, type Term } from "../term.ts";
import { isArray, isMap, isNum, isSet } from "./operands.ts";

type Value = Term | undefined;
type Scope = ReadonlyMap<string, Value>;

interface Block {
  readonly kind: "if" | "range" | "with";
  readonly pipeline: string;
  readonly names: readonly string[];
  readonly body: Node[];
  readonly otherwise: Node[];
}
type Node = string | { readonly show: string } | { readonly set: string; readonly to: string } | Block;

const action = /\{\{(- )?\s*((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^}]|\}(?!\}))*?)\s*( -)?\}\}/gs;
const heads = /^(if|range|with)\s+(?:(\$\w+)(?:\s*,\s*(\$\w+))?\s*:=\s*)?(.+)$/s;

interface Frame {
  readonly nodes: Node[];
  readonly block?: Block;
}

/** @throws TypeError for what is not supported, or is no template */
function parse(template: string): readonly Node[] {
  const root: Node[] = [];
  const frames: Frame[] = [{ nodes: root }];
  const top = (): Frame => frames.at(-1) as Frame;
  let at = 0;
  let trim = false;
  const literal = (end: number, trimEnd: boolean): void => {
    let part = template.slice(at, end);
    if (trim) part = part.trimStart();
    if (trimEnd) part = part.trimEnd();
    if (part.includes("{{")) throw new TypeError("an action is not closed");
    if (part !== "") top().nodes.push(part);
  };
  for (const found of template.matchAll(action)) {
    literal(found.index, found[1] !== undefined);
    at = found.index + found[0].length;
    trim = found[3] !== undefined;
    const words = found[2] as string;
    if (words.startsWith("/*")) continue;
    if (words === "end") {
      if (top().block === undefined) throw new TypeError("an end without a beginning");
      frames.pop();
    } else if (words === "else" || words.startsWith("else if ")) {
      const block = top().block;
      if (block === undefined || top().nodes === block.otherwise)
        throw new TypeError("an else without an if");
      frames.pop();
      frames.push({ nodes: block.otherwise, block });
      if (words !== "else") throw new TypeError("else if is not supported");
    } else {
      open(words, top().nodes, frames);
    }
  }
  literal(template.length, false);
  if (frames.length !== 1) throw new TypeError("a block is not ended");
  return root;
}

function open(words: string, nodes: Node[], frames: Frame[]): void {
  const head = heads.exec(words);
  if (head === null) {
    const set = /^(\$\w+)\s*:?=\s*(.+)$/s.exec(words);
    nodes.push(set === null ? { show: words } : { set: set[1] as string, to: set[2] as string });
    return;
  }
  const names = [head[2], head[3]].filter((name) => name !== undefined);
  const block: Block = {
    kind: head[1] as Block["kind"],
    pipeline: head[4] as string,
    names,
    body: [],
    otherwise: [],
  };
  nodes.push(block);
  frames.push({ nodes: block.body, block });
}

function lookUp(expression: string, dot: Value, scope: Scope): Value {
  if (/^"(?:[^"\\]|\\.)*"$/.test(expression)) return JSON.parse(expression) as string;
  if (/^-?\d+$/.test(expression)) return Number(expression);
  if (expression === "true" || expression === "false") return expression === "true";
  const path = /^(\$\w*)?((?:\.\w+)*|\.)$/.exec(expression);
  if (path === null || expression === "") throw new TypeError("the expression is not supported");
  let value = path[1] === undefined ? dot : scope.get(path[1]);
  if (path[1] !== undefined && !scope.has(path[1])) throw new TypeError("the variable is not set");
  for (const name of (path[2] as string).split(".").filter(Boolean)) {
    if (value === undefined) throw new TypeError("a field of nothing");
    if (!isMap(value)) throw new TypeError("a field of what is no object");
    value = value.get(name);
  }
  return value;
}

const filled = (value: Value): boolean => {
  if (value === undefined || value === null || value === false || value === "") return false;
  if (isNum(value)) return doubleOf(value) !== 0;
  if (isArray(value)) return value.length > 0;
  return isMap(value) || isSet(value) ? value.size > 0 : true;
};

function shown(value: Value): string {
  if (value === undefined || value === null) return "<undefined>";
  if (typeof value === "string") return value;
  if (isNum(value)) return numText(value);
  const inside = (part: Term): string => (part === null ? "<nil>" : shown(part));
  if (isMap(value))
    return `map[${[...value].map(([key, part]) => `${inside(key)}:${inside(part)}`).join(" ")}]`;
  if (isArray(value) || isSet(value)) return `[${[...value].map(inside).join(" ")}]`;
  return formatTerm(value);
}

function run(nodes: readonly Node[], dot: Value, outer: Scope): string {
  const scope = new Map(outer);
  let printed = "";
  for (const node of nodes) {
    if (typeof node === "string") printed += node;
    else if ("show" in node) printed += shown(lookUp(node.show, dot, scope));
    else if ("set" in node) scope.set(node.set, lookUp(node.to, dot, scope));
    else printed += runBlock(node, dot, scope);
  }
  return printed;
}

function runBlock(block: Block, dot: Value, scope: Scope): string {
  const value = lookUp(block.pipeline, dot, scope);
  if (!filled(value)) return run(block.otherwise, dot, scope);
  if (block.kind !== "range") {
    const [name] = block.names;
    const inner = name === undefined ? scope : new Map(scope).set(name, value);
    return run(block.body, block.kind === "with" ? value : dot, inner);
  }
  if (!isArray(value) && !isMap(value) && !isSet(value)) throw new TypeError("nothing to range over");
  const entries: readonly (readonly [Value, Value])[] = isMap(value)
    ? [...value]
    : Array.from(value, (item, index) => [index, item] as const);
  const [first, second] = block.names;
  return entries
    .map(([key, item]) => {
      const inner = new Map(scope);
      if (first !== undefined) inner.set(first, second === undefined ? item : key);
      if (second !== undefined) inner.set(second, item);
      return run(block.body, item, inner);
    })
    .join("");
}

/** Renders; an absent value is `<undefined>`. @throws TypeError for what is not supported, or is no template */
export function renderTemplate(template: string, values: Term | undefined): string {
  if (!isMap(values)) throw new TypeError("not an object");
  return run(parse(template), values, new Map([["$", values]]));
}
