/** Generates `src/gen` and the descriptors anew in a temporary folder and compares them with what is committed, byte by byte. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

function read(root) {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((file) => {
      const path = join(file.parentPath, file.name);
      return [relative(root, path), readFileSync(path)];
    }),
  );
}

const out = mkdtempSync(join(tmpdir(), "sallyport-gen-"));
try {
  const buf = spawnSync("node_modules/.bin/buf", ["generate", "-o", out], { stdio: "inherit" });
  if (buf.status !== 0) process.exit(1);
  const descriptors = join(out, "descriptors.binpb");
  const built = spawnSync("node_modules/.bin/buf", ["build", "--exclude-source-info", "-o", descriptors], {
    stdio: "inherit",
  });
  if (built.status !== 0) process.exit(1);
  const committed = read("src/gen");
  const generated = read(join(out, "src/gen"));
  const wrong = [
    ...[...generated.keys()]
      .filter((path) => !committed.has(path))
      .map((path) => `not committed: src/gen/${path}`),
    ...[...committed.keys()]
      .filter((path) => !generated.has(path))
      .map((path) => `no longer generated: src/gen/${path}`),
    ...[...generated]
      .filter(([path, bytes]) => committed.has(path) && !committed.get(path).equals(bytes))
      .map(([path]) => `differs: src/gen/${path}`),
  ];
  if (!readFileSync(descriptors).equals(readFileSync("proto/descriptors.binpb")))
    wrong.push("differs: proto/descriptors.binpb");
  if (generated.size === 0) wrong.push("nothing was generated");
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) {
    console.error("run `npm run generate` and commit src/gen and proto/descriptors.binpb");
    process.exitCode = 1;
  } else console.log(`${generated.size} generated files are as committed`);
} finally {
  rmSync(out, { recursive: true, force: true });
}
