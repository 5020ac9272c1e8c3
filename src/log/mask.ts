/** Masks: what the policy `system/log/mask` says must not be logged. */
import type { DecisionEvent } from "./event.ts";

/**
 * The mask of a bundle: evaluated for each event, or, where the policy reads nothing of it, the rules that it
 * always gives. Those cost an event next to nothing; an evaluation costs about as much as a decision.
 */
export type MaskPolicy = ((event: DecisionEvent) => unknown) | readonly unknown[];

type Container = Record<string, unknown> | unknown[];

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null;
}

/** Keys of `container` that a segment names: written plain, percent-encoded, or, to be safe, both. */
function keysIn(container: Container, segment: string): string[] {
  if (Array.isArray(container)) {
    return /^(0|[1-9]\d*)$/.test(segment) && Number(segment) < container.length ? [segment] : [];
  }
  return [...new Set([segment, decode(segment)])].filter((key) => Object.hasOwn(container, key));
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function child(container: Container, key: string): unknown {
  return Array.isArray(container) ? container[Number(key)] : container[key];
}

function put(container: Container, key: string, value: unknown): void {
  if (Array.isArray(container)) container[Number(key)] = value;
  else Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Takes the value out; whether there was one. */
function remove(node: unknown, [segment, ...rest]: readonly string[]): boolean {
  if (!isContainer(node) || segment === undefined) return false;
  let removed = false;
  for (const key of keysIn(node, segment)) {
    if (rest.length > 0) removed = remove(child(node, key), rest) || removed;
    else {
      removed = true;
      if (Array.isArray(node)) node.splice(Number(key), 1);
      else delete node[key];
    }
  }
  return removed;
}

/** Sets the value, making mappings on the way as OPA does; whether there was a place for it. */
function upsert(node: unknown, [segment, ...rest]: readonly string[], value: unknown): boolean {
  if (!isContainer(node) || segment === undefined) return false;
  const found = keysIn(node, segment);
  if (found.length === 0 && Array.isArray(node)) return false;
  const keys = found.length === 0 ? [decode(segment)] : found;
  return keys
    .map((key) => {
      if (rest.length === 0) {
        put(node, key, value);
        return true;
      }
      if (found.length === 0) put(node, key, {});
      return upsert(child(node, key), rest, value);
    })
    .some(Boolean);
}

interface Rule {
  readonly op: "remove" | "upsert";
  readonly path: string;
  readonly segments: readonly string[];
  readonly value: unknown;
}

/** Reads one rule of a mask: a path to remove, or `{op, path, value}`. @throws {TypeError} if it is neither. */
function readRule(raw: unknown): Rule {
  const { op, path, value } =
    typeof raw === "string" ? { op: "remove", path: raw, value: undefined } : ((raw ?? {}) as Partial<Rule>);
  if (typeof path !== "string" || (op !== "remove" && op !== "upsert"))
    throw new TypeError("not a mask rule");
  const [slash, part, ...rest] = path.split("/");
  if (slash !== "" || (part !== "input" && part !== "result"))
    throw new TypeError("a mask is of input or result");
  return { op, path, segments: [part, ...rest], value };
}

/**
 * Applies the result of a mask policy to an event, in place: removed paths are listed in `erased`, replaced
 * ones in `masked`, paths that the event does not have in neither. Only `input` and `result` can be masked, so
 * that a mask cannot touch evidence (ids, revisions, reason, counts). A mask that cannot be evaluated or read
 * removes both: a field that should have been masked never leaves by mistake.
 */
export function applyMask(event: DecisionEvent, policy: MaskPolicy): void {
  try {
    const raw = typeof policy === "function" ? policy(event) : policy;
    if (raw === undefined) return;
    if (!Array.isArray(raw)) throw new TypeError("a mask is a list");
    for (const { op, path, segments, value } of raw.map(readRule)) {
      const parts = event as unknown as Record<string, unknown>;
      if (op === "remove" && remove(parts, segments)) (event.erased ??= []).push(path);
      if (op === "upsert" && parts[segments[0] ?? ""] !== undefined && upsert(parts, segments, value)) {
        (event.masked ??= []).push(path);
      }
    }
  } catch {
    delete event.input;
    delete event.result;
    event.erased = ["/input", "/result"];
    delete event.masked;
    event.mask_failed = true;
  }
}

/** What tells for each constant mask whether a line may hold anything to mask; `undefined`: always look. */
const suspicions = new WeakMap<readonly unknown[], RegExp | undefined>();

/**
 * A pattern without which a line has none of the fields that the rules remove: a key stands in JSON as it is
 * written in the rule, in quotes, unless something is escaped.
 */
function suspicionOf(rules: readonly unknown[]): RegExp | undefined {
  const keys = new Set<string>();
  try {
    for (const { op, segments } of rules.map(readRule)) {
      const last = segments.at(-1) ?? "";
      if (op !== "remove" || segments.length < 2 || /^\d+$/.test(last)) return undefined;
      keys.add(last).add(decode(last));
    }
  } catch {
    return undefined;
  }
  const escaped = [...keys].map((key) => key.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&"));
  return new RegExp(["\\\\", ...escaped.map((key) => `"${key}"`)].join("|"));
}

/** The line of an event (one JSON object) with the mask applied. */
export function maskLine(line: string, policy: MaskPolicy): string {
  if (typeof policy !== "function") {
    if (!suspicions.has(policy)) suspicions.set(policy, suspicionOf(policy));
    const suspicion = suspicions.get(policy);
    if (suspicion !== undefined && !suspicion.test(line)) return line;
  }
  const event = JSON.parse(line) as DecisionEvent;
  applyMask(event, policy);
  return JSON.stringify(event);
}
