import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { entry } from "./run.ts";

/** util-linux's `script` gives the program a terminal of its own. */
const script = "/usr/bin/script";
const present =
  existsSync(script) && spawnSync(script, ["--version"], { encoding: "utf8" }).stdout.includes("util-linux");

function onTerminal(env: Readonly<Record<string, string>>): string {
  const line = [process.execPath, ...entry, "bundle", "inspect", "bundles/sallyport.tar.gz"].join(" ");
  // Node takes a terminal under CI for one without colours.
  const { NO_COLOR: _no, FORCE_COLOR: _force, NODE_DISABLE_COLORS: _off, CI: _ci, ...rest } = process.env;
  return spawnSync(script, ["-qec", line, "/dev/null"], {
    encoding: "utf8",
    env: { ...rest, TERM: "xterm-256color", ...env },
    input: "",
  }).stdout;
}

describe.skipIf(!present)("on a terminal", () => {
  it("labels are dimmed, unless NO_COLOR is set", () => {
    expect(onTerminal({})).toMatch("\u001b[2mdigest\u001b[22m");
    const plain = onTerminal({ NO_COLOR: "1" });
    expect(plain).toMatch("  digest       sha256");
    expect(plain).not.toMatch("\u001b[");
  });
});
