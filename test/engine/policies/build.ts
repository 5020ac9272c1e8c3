/**
 * Compiles each `*.rego` here to `*.wasm` and records the digest of its source. After an edit, with OPA at
 * hand (`$OPA` or on the path): `npx tsx test/engine/policies/build.ts`
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const here = import.meta.dirname;

/** Entrypoints of each policy: every rule that a test asks for. */
const entrypoints: Readonly<Record<string, readonly string[]>> = {
  language: ["result", "first", "allow", "echo"],
  faults: ["echo", "topic", "absent", "conflict", "hog", "sum", "formatted", "undefined_or_default", "sets"],
  refused: ["answer", "newer", "odd"],
};

const digests: Record<string, string> = {};
for (const file of readdirSync(here).filter((name) => name.endsWith(".rego"))) {
  const name = file.replace(".rego", "");
  const scratch = mkdtempSync(join(tmpdir(), "sallyport-policy-"));
  const bundle = join(scratch, "bundle.tar.gz");
  const wanted = (entrypoints[name] ?? []).flatMap((rule) => ["-e", `${name}/${rule}`]);
  const args = ["build", "-t", "wasm", "-O", "1", ...wanted, "-o", bundle, join(here, file)];
  execFileSync(process.env["OPA"] ?? "opa", args, { stdio: "inherit" });
  execFileSync("tar", ["-xzPf", bundle, "-C", scratch, "/policy.wasm", "--transform", "s,^/,,"]);
  writeFileSync(join(here, `${name}.wasm`), readFileSync(join(scratch, "policy.wasm")));
  rmSync(scratch, { recursive: true });
  digests[file] = createHash("sha256")
    .update(readFileSync(join(here, file)))
    .digest("hex");
}
writeFileSync(join(here, "digests.json"), `${JSON.stringify(digests, null, 2)}\n`);
