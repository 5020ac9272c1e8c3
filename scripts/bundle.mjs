/**
 * The second step of `npm run build`: every program and thread in a few files instead of hundreds, which is a large
 * part of what a start takes. Packages stay where npm put them; what is imported as a library stays as `tsc` made it.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const root = path.resolve(import.meta.dirname, "..");
const sources = readdirSync(path.join(root, "src"), { recursive: true })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => path.join("src", name));

/** Bundled code lies elsewhere than its source: only the one that is made for it may ask where it is. */
const astray = sources.filter(
  (name) =>
    !name.endsWith("runtime/own-files.ts") &&
    /import\.meta\.(?!url\))|new URL\([^)]*import\.meta/.test(readFileSync(path.join(root, name), "utf8")),
);
if (astray.length > 0) {
  console.error(`take paths from src/runtime/own-files.ts, not from import.meta: ${astray.join(" ")}`);
  process.exit(1);
}

rmSync(path.join(root, "dist/chunks"), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: [
    "src/cli/main.ts",
    "src/worker.ts",
    ...sources.filter((name) => /-(thread|worker)\.ts$/.test(name)),
  ],
  outbase: "src",
  outdir: "dist",
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  packages: "external",
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: "linked",
  sourcesContent: false,
  logLevel: "warning",
});
