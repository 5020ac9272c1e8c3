/** Masks: what the policy `system/log/mask` says must not be logged. */
import type { DecisionEvent } from "./event.ts";

/** Evaluates the mask of the bundle in force for one event; `undefined` where the bundle has none. */
export type MaskPolicy = (event: DecisionEvent) => unknown;

type Container = Record<string, unknown> | unknown[];

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null;
}

/** The key as it stands in `container`; rules may write it plain or percent-encoded. */
function keyIn(container: Container, segment: string): string | undefined {
  if (Array.isArray(container)) {
    return /^(0|[1-9]\d*)$/.test(segment) && Number(segment) < container.length ? segment : undefined;
  }
  if (Object.hasOwn(container, segment)) return segment;
  const decoded = decode(segment);
  return Object.hasOwn(container, decoded) ? decoded : undefined;
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

/** Takes the value out; whether there was one. */
function remove(root: Container, path: readonly string[]): boolean {
  let node = root;
  for (const [index, segment] of path.entries()) {
    const key = keyIn(node, segment);
    if (key === undefined) return false;
    if (index === path.length - 1) {
      if (Array.isArray(node)) node.splice(Number(key), 1);
      else delete node[key];
      return true;
    }
    const next = child(node, key);
    if (!isContainer(next)) return false;
    node = next;
  }
  return false;
}

/** Sets the value, making mappings on the way as OPA does; whether there was a place for it. */
function upsert(root: Container, path: readonly string[], value: unknown): boolean {
  let node = root;
  for (const [index, segment] of path.entries()) {
    const key = keyIn(node, segment) ?? (Array.isArray(node) ? undefined : decode(segment));
    if (key === undefined) return false;
    if (index === path.length - 1) {
      if (Array.isArray(node)) node[Number(key)] = value;
      else Object.defineProperty(node, key, { value, enumerable: true, configurable: true, writable: true });
      return true;
    }
    let next = child(node, key);
    if (next === undefined && !Array.isArray(node)) {
      next = {};
      Object.defineProperty(node, key, { value: next, enumerable: true, configurable: true, writable: true });
    }
    if (!isContainer(next)) return false;
    node = next;
  }
  return false;
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
    const raw = policy(event);
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
