/** What a broker installs and loads with `sallyport/client`: grpc-js, protobuf and lru-cache, and what these need. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const allowed = ["@grpc/grpc-js", "@bufbuild/protobuf", "lru-cache"];
/** What runs TypeScript here. */
const runner = new Set(["tsx", "esbuild", "get-tsconfig", "resolve-pkg-maps"]);

/** Packages that `names` need, themselves included. */
function needed(names: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const file = path.join(root, "node_modules", name, "package.json");
    const { dependencies = {} } = JSON.parse(readFileSync(file, "utf8")) as {
      dependencies?: Record<string, string>;
    };
    for (const each of Object.keys(dependencies)) visit(each);
  };
  for (const name of names) visit(name);
  return seen;
}

/** Packages that a process loads which imports `entry` and nothing else. */
function loadedBy(entry: string): Set<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "sallyport-closure-"));
  const list = path.join(folder, "loaded");
  const hook = `import { appendFileSync } from "node:fs";
export const load = (url, context, next) => {
  appendFileSync(${JSON.stringify(list)}, url + "\\n");
  return next(url, context);
};`;
  const program = `import { appendFileSync } from "node:fs";
import { createRequire, register } from "node:module";
register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});
await import(${JSON.stringify(pathToFileURL(path.join(root, entry)).href)});
const { cache } = createRequire(${JSON.stringify(import.meta.url)});
for (const file of Object.keys(cache)) appendFileSync(${JSON.stringify(list)}, file + "\\n");`;
  try {
    const args = ["--import", "tsx", "--input-type=module", "--eval", program];
    const run = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    expect(run.stderr).toBe("");
    const files = readFileSync(list, "utf8").split("\n");
    const names = files.flatMap((file) => {
      const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(decodeURIComponent(file)) ?? [];
      return name === undefined || runner.has(name) ? [] : [name];
    });
    return new Set(names);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("sallyport/client", { timeout: 60_000 }, () => {
  it("loads grpc-js, protobuf and lru-cache, what these need, and nothing else", () => {
    const loaded = loadedBy("src/client/client.ts");
    for (const name of allowed) expect(loaded).toContain(name);
    const permitted = needed(allowed);
    expect([...loaded].filter((name) => !permitted.has(name))).toEqual([]);
  });

  it("is told apart from one that loads more", () => {
    const permitted = needed(allowed);
    const more = [...loadedBy("src/registry/schemas.ts")].filter((name) => !permitted.has(name));
    expect(more).toContain("zod");
  });

  it("is what the package exports under that name", () => {
    const { exports } = createRequire(import.meta.url)("../../package.json") as {
      exports: Record<string, { default?: string }>;
    };
    expect(exports["./client"]?.default).toBe("./dist/client/client.js");
  });
});
