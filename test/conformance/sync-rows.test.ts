/** Every scenario of the table that is handed from issue to issue has a test of its number. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { sharedTables } from "../cases/table.ts";

const folder = sharedTables();
/** Scenarios that the store cannot hold: a record has one owner, not one per group of fields (docs/registry.md). */
const open = new Set(["SYN-17"]);

function testsIn(dir: string): string {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts") && !name.endsWith("sync-rows.test.ts"))
    .map((name) => readFileSync(path.join(dir, name), "utf8"))
    .join("\n");
}

const group = folder === undefined ? describe.skip : describe;
group(`the scenarios of a registry feed${folder === undefined ? " (NOT RUN: shared tables)" : ""}`, () => {
  it("each have a test, but for those that are named as open", () => {
    const file = path.join(folder ?? "", "registry-sync.yaml");
    const { sync_scenarios } = parse(readFileSync(file, "utf8")) as {
      sync_scenarios: readonly { id: string }[];
    };
    const tests = testsIn(path.resolve("test/conformance")) + testsIn(path.resolve("test/registry"));
    const titles = [...tests.matchAll(/\bit(?:\.\w+)?\(\s*"([^"]*SYN-[^"]*)"/g)]
      .map(([, title]) => title)
      .join(" ");
    const missing = sync_scenarios.map(({ id }) => id).filter((id) => !new RegExp(`${id}\\b`).test(titles));
    expect(sync_scenarios.length).toBeGreaterThan(10);
    expect(missing).toEqual([...open]);
  });
});
