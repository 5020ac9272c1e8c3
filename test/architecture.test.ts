import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readSources, type SourceFile, specifiers, withoutComments } from "./architecture/imports.ts";
import { clientPackages, type Folder, folders, owners, typesOnly } from "./architecture/rings.ts";

const sources = readSources("src");
const byPath = new Map(sources.map((file) => [file.path, file]));

/** The folder a path belongs to, as it is on disk: `adapters/aedes/`, `engine/`, `app.ts`. */
function folderOf(path: string): string {
  const [first = "", second] = path.split("/");
  if (second === undefined) return first;
  return first === "adapters" ? `${first}/${second}/` : `${first}/`;
}

function entryOf(path: string): Folder | undefined {
  const folder = folderOf(path);
  return folders[folder.startsWith("adapters/") ? "adapters/<broker>/" : folder];
}

/** Why `file` may not import the source file `target`; `undefined` if it may. */
function objection(file: string, target: string): string | undefined {
  const [from, to] = [entryOf(file), entryOf(target)];
  if (from === undefined || to === undefined) return "outside the rings";
  if (folderOf(file) === folderOf(target) || from.besides?.includes(folderOf(target))) return undefined;
  if (file.startsWith("adapters/") && to.ring > 0) return "an adapter imports ring 0 only";
  if (to.ring === from.ring) return `sideways within ring ${to.ring}`;
  return to.ring > from.ring ? `outwards from ring ${from.ring} to ring ${to.ring}` : undefined;
}

const list = (check: (file: SourceFile) => readonly string[]): string[] =>
  sources.flatMap((file) => check(file).map((what) => `src/${file.path}: ${what}`));

describe("the rings", () => {
  it("were looked at: there are files, and they import each other", () => {
    expect(sources.length).toBeGreaterThan(20);
    const imports = sources.reduce((sum, file) => sum + file.imports.length, 0);
    expect(imports).toBeGreaterThan(sources.length);
  });

  it("have a place for every file", () => {
    expect(
      list((file) => (entryOf(file.path) === undefined ? ["in no ring: add its folder to the table"] : [])),
    ).toEqual([]);
  });

  it.each(Object.entries(folders))("%s exists, or is declared for later", (name, folder) => {
    const exists = sources.some(({ path }) =>
      name === "adapters/<broker>/" ? path.startsWith("adapters/") : path === name || path.startsWith(name),
    );
    expect(exists, folder.later ? "it exists now: drop `later`" : "it is missing").toBe(
      folder.later !== true,
    );
  });

  it("are only ever crossed inwards, by types too", () => {
    const wrong = list((file) =>
      file.imports.flatMap(({ kind, target }) => {
        const why = kind === "file" ? objection(file.path, target) : undefined;
        return why === undefined ? [] : [`imports ${target}: ${why}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it("hold no import of a file that is not there", () => {
    const wrong = list((file) =>
      file.imports
        .filter(({ kind, target }) => kind === "file" && !byPath.has(target))
        .map(({ target }) => target),
    );
    expect(wrong).toEqual([]);
  });

  it("leave `decision/` without any import from outside, not even of Node", () => {
    const wrong = list((file) =>
      file.path.startsWith("decision/")
        ? file.imports.filter(({ kind }) => kind !== "file").map(({ target }) => target)
        : [],
    );
    expect(wrong).toEqual([]);
  });

  it("leave every package to its owners", () => {
    const wrong = list((file) =>
      file.imports.flatMap(({ kind, target, typeOnly }) => {
        if (kind !== "package") return [];
        const folder = folderOf(file.path);
        if (!owners[target]?.includes(folder))
          return [`imports ${target}, which belongs to ${owners[target] ?? "nobody"}`];
        return !typeOnly && typesOnly[folder]?.includes(target)
          ? [`imports more than types from ${target}`]
          : [];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it("leave clocks, the environment and the console to the outer ones", () => {
    const forbidden =
      /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bprocess\.(?:env|argv|stdout|stderr)\b|\bconsole\.\w/g;
    const wrong = list((file) => {
      if (
        (entryOf(file.path)?.ring ?? 9) > 2 ||
        file.path === "runtime/clock.ts" ||
        file.path.startsWith("gen/")
      )
        return [];
      return [...file.code.matchAll(forbidden)].map(([text]) => text);
    });
    expect(wrong).toEqual([]);
  });
});

describe("the client library", () => {
  it("loads grpc-js, protobuf and lru-cache, and nothing else", () => {
    const seen = new Set<string>();
    const packages = new Set<string>();
    const visit = (path: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      for (const { kind, target, typeOnly } of byPath.get(path)?.imports ?? []) {
        if (kind === "file") visit(target);
        else if (kind === "package" && !typeOnly) packages.add(target);
      }
    };
    visit("client/client.ts");
    expect(seen.size).toBeGreaterThan(3);
    expect([...packages].filter((name) => !clientPackages.includes(name))).toEqual([]);
  });
});

describe("files", () => {
  it("have at most 300 lines", () => {
    expect(
      list((file) =>
        !file.path.startsWith("gen/") && file.lines > 300 ? [`${file.lines} lines: split it`] : [],
      ),
    ).toEqual([]);
  });

  it("have kebab-case names that say more than `utils`", () => {
    const vague = /(^|\/)(utils?|helpers?|common|shared|internal|misc|types)(\.ts|\/)/;
    expect(
      list(({ path }) =>
        /^[a-z0-9-]+(\/[a-z0-9-]+)*(\.d)?\.ts$/.test(path) && !vague.test(path) ? [] : ["rename it"],
      ).filter((line) => !line.startsWith("src/gen/")),
    ).toEqual([]);
  });
});

describe("ARCHITECTURE.md", () => {
  const page = readFileSync("ARCHITECTURE.md", "utf8");
  const rows = [...page.matchAll(/^\| (\d) \| `([^`]+)` \| (.+) \|$/gm)].map(([, ring, name, says]) => [
    name,
    Number(ring),
    says,
  ]);

  it("lists the folders, rings and sentences of the table, in its order", () => {
    expect(rows).toEqual(
      Object.entries(folders).map(([name, { ring, says, later }]) => [
        name,
        ring,
        later ? `${says} (later)` : says,
      ]),
    );
  });

  it("stays short enough to be read", () => {
    expect(page.split("\n").length).toBeLessThan(150);
  });
});

describe("the scan", () => {
  it("sees every form of import and no comment", () => {
    const code = withoutComments(`
      import a from "./a.ts"; import type { B } from "./b.ts";
      import "./c.ts";
      // import d from "./no.ts"
      /* import e from "./no.ts" */
      export { f } from "./f.ts";
      export type * from "./g.ts";
      import {
        h, // a comment
        type I,
      } from "./h.ts";
      const url = "https://example.org"; const j = await import("./j.ts");
    `);
    expect(specifiers(code)).toEqual([
      { specifier: "./a.ts", typeOnly: false },
      { specifier: "./b.ts", typeOnly: true },
      { specifier: "./c.ts", typeOnly: false },
      { specifier: "./f.ts", typeOnly: false },
      { specifier: "./g.ts", typeOnly: true },
      { specifier: "./h.ts", typeOnly: false },
      { specifier: "./j.ts", typeOnly: false },
    ]);
  });

  it("objects to a step sideways, outwards and out of the table", () => {
    expect(objection("engine/policy.ts", "bundle/archive.ts")).toMatch("sideways");
    expect(objection("cache/decision-cache.ts", "pdp/pdp.ts")).toMatch("outwards");
    expect(objection("adapters/aedes/aedes.ts", "adapters/nats/nats.ts")).toMatch("ring 0 only");
    expect(objection("elsewhere/x.ts", "decision/query.ts")).toMatch("outside");
    expect(objection("decision/query.ts", "runtime/fault.ts")).toMatch("sideways");
    expect(objection("runtime/ports.ts", "decision/identity.ts")).toBeUndefined();
    expect(objection("services/decision-service.ts", "pdp/pdp.ts")).toBeUndefined();
  });
});
