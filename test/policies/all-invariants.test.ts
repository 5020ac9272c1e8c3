import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { root } from "./tables.ts";

const listed = join(root, "..", "shared", "cases", "invariants.yaml");

/** What no test of the policies can be about, and why. */
const elsewhere: Readonly<Record<string, string>> = {
  "INV-08": "about the kind `operate`, which these policies do not decide",
};

/** Invariants that a test of this folder names in its title. */
function tested(): Set<string> {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.ts"));
  const titles = files.flatMap((name) => [
    ...readFileSync(join(import.meta.dirname, name), "utf8").matchAll(
      /(?:it|describe)(?:\.\w+)*\(\s*"([^"]*)"/g,
    ),
  ]);
  return new Set(titles.flatMap(([, title = ""]) => title.match(/INV-\d+[a-z]?/g) ?? []));
}

describe.skipIf(!existsSync(listed))("the invariants handed from issue to issue", () => {
  it("each has a test that names it", () => {
    const { invariants } = parse(readFileSync(listed, "utf8")) as {
      readonly invariants: readonly { id: string }[];
    };
    const names = tested();
    expect(invariants.map(({ id }) => id).filter((id) => !names.has(id) && !(id in elsewhere))).toEqual([]);
    expect(invariants.length).toBeGreaterThan(15);
  });
});
