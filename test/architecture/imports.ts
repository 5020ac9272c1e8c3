/** Reads the import graph of TypeScript sources without a compiler. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** One import, re-export or dynamic import, type-only ones included. */
export interface Import {
  /** Relative path from the scanned root with `/`, or the name of a package or `node:` module. */
  readonly target: string;
  readonly kind: "file" | "package" | "node";
  readonly typeOnly: boolean;
}

/** One source file. `path` is relative to the scanned root. */
export interface SourceFile {
  readonly path: string;
  readonly lines: number;
  /** The source without its comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

/** The text of a source with comments blanked; strings are left alone. */
export function withoutComments(source: string): string {
  const tokens =
    /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|(?<![\\/[])\/\/[^\n]*/g;
  return source.replace(tokens, (token) => (token.startsWith("/") ? " " : token));
}

/** Module specifiers in the order in which they stand, each with whether only types are taken. */
export function specifiers(code: string): { specifier: string; typeOnly: boolean }[] {
  const statement =
    /(?:^|[;\n}])\s*(?:import|export)\s+(type\b)?[^;"'`]*?\bfrom\s*["']([^"'\n]+)["']|(?:^|[;\n}])\s*import\s*["']([^"'\n]+)["']|\bimport\s*\(\s*["'`]([^"'`\n]+)["'`]/g;
  return [...code.matchAll(statement)].map(([, type, from, bare, dynamic]) => ({
    specifier: from ?? bare ?? dynamic ?? "",
    typeOnly: type !== undefined,
  }));
}

function resolve(file: string, specifier: string): Pick<Import, "target" | "kind"> {
  if (specifier.startsWith("."))
    return { target: join(dirname(file), specifier).replaceAll("\\", "/"), kind: "file" };
  if (specifier.startsWith("node:")) return { target: specifier, kind: "node" };
  const parts = specifier.split("/");
  return { target: parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/"), kind: "package" };
}

/** Every `.ts` file below `root`. */
export function readSources(root: string): SourceFile[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort()
    .map((path) => {
      const source = readFileSync(join(root, path), "utf8");
      const code = withoutComments(source);
      const imports = specifiers(code).map(({ specifier, typeOnly }) => ({
        ...resolve(path, specifier),
        typeOnly,
      }));
      return { path, lines: source.trimEnd().split("\n").length, code, imports };
    });
}
