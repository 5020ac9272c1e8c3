/** The files that a bundle is built from, and their digest. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One source file: its path below the project with forward slashes, and its bytes. */
export interface Source {
  readonly path: string;
  readonly bytes: Buffer;
}

const counts = /^policy\.yaml$|\.rego$|(?:^|\/)data\.(?:yaml|yml|json)$|^schemas\/[a-z_]+\.json$/;
const isTest = /_test\.rego$/;
const skipped = /^invariants\/|(?:^|\/)(?:node_modules|cases|dist|\.[^/]+)\//;
/** Decision tables: a bundle brings them along, so that the service can try it. */
const isTable = /^cases\/[^/]+\.ya?ml$/;

/** What is loaded beside the rules, and otherwise left out. */
export interface Loaded {
  readonly tests?: boolean;
  readonly invariants?: boolean;
}

/** What OPA must not load: tests, invariants, tables, schemas, other people's packages. */
export function ignoreFlags(options: Loaded = {}): string[] {
  const patterns = ["cases", "schemas", "node_modules", "dist", "*.ts"];
  if (options.tests !== true) patterns.unshift("*_test.rego");
  if (options.invariants !== true) patterns.unshift("invariants");
  return patterns.flatMap((pattern) => ["--ignore", pattern]);
}

function list(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !skipped.test(path) || isTable.test(path))
    .sort();
}

/** Every file whose change changes the bundle, sorted by path: Rego without its tests, data, schemas, settings, tables. */
export function policySources(folder: string): readonly Source[] {
  return list(folder)
    .filter((path) => isTable.test(path) || (counts.test(path) && !isTest.test(path)))
    .map((path) => ({ path, bytes: readFileSync(join(folder, path)) }));
}

/** The Rego tests of a project, sorted by path. */
export function testSources(folder: string): readonly Source[] {
  return list(folder)
    .filter((path) => isTest.test(path))
    .map((path) => ({ path, bytes: readFileSync(join(folder, path)) }));
}

/** What `policy fuzz` holds a project to, sorted by path; no part of a bundle. */
export function invariantSources(folder: string): readonly Source[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => /^invariants\/.*\.rego$/.test(path) && !isTest.test(path))
    .sort()
    .map((path) => ({ path, bytes: readFileSync(join(folder, path)) }));
}

/** sha256 over paths and contents, hex. Line ends are taken as LF, whatever the checkout made of them. */
export function sourcesDigest(sources: readonly Source[]): string {
  const hash = createHash("sha256");
  for (const { path, bytes } of sources) {
    const content = bytes.toString("utf8").replaceAll("\r\n", "\n");
    hash.update(`${path}\0${Buffer.byteLength(content)}\0${content}`);
  }
  return hash.digest("hex");
}
