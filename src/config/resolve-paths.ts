import { resolve } from "node:path";
import type { Option } from "./options.ts";
import { isTree, type Tree } from "./tree.ts";

/** A copy of `tree` in which each option that is a path is absolute, relative ones starting from `folder`. */
export function resolvePaths(tree: Tree, options: readonly Option[], folder: string): Tree {
  const files = new Set(options.filter(({ file }) => file).map(({ path }) => path));
  const visit = (value: unknown, path: string): unknown => {
    if (typeof value === "string") return files.has(path) && value !== "" ? resolve(folder, value) : value;
    if (Array.isArray(value)) return value.map((item) => visit(item, `${path}[]`));
    if (!isTree(value)) return value;
    const entries = Object.entries(value).map(([key, child]) => [
      key,
      visit(child, path === "" ? key : `${path}.${key}`),
    ]);
    return Object.fromEntries(entries) as Tree;
  };
  return visit(tree, "") as Tree;
}
