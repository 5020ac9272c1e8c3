/** Options before they are checked: what YAML, the environment and flags give. */
export interface Tree {
  [key: string]: unknown;
}

/** Whether `value` is a mapping. */
export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Both trees as one; where both set an option the later one's value stands, lists are replaced whole. */
export function merge(earlier: Tree, later: Tree): Tree {
  const merged: Tree = { ...earlier };
  for (const [key, value] of Object.entries(later)) {
    const before = merged[key];
    merged[key] = isTree(before) && isTree(value) ? merge(before, value) : value;
  }
  return merged;
}

/** Sets `path` (`a.b.c`) in `tree`, making what is missing on the way. */
export function setAt(tree: Tree, path: string, value: unknown): void {
  const keys = path.split(".");
  const last = keys.pop() ?? path;
  let node = tree;
  for (const key of keys) {
    const next = node[key];
    const child: Tree = isTree(next) ? next : {};
    node[key] = child;
    node = child;
  }
  node[last] = value;
}

/** Freezes `value` and everything in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
