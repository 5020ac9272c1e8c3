import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canRun, missingLine, type Quickstart, root, shownIn, startQuickstart } from "./console.ts";

const page = readFileSync(path.join(root, "README.md"), "utf8");

describe("README", () => {
  let quickstart: Quickstart;
  beforeAll(async () => {
    quickstart = await startQuickstart();
  });
  afterAll(() => quickstart[Symbol.asyncDispose]());

  const commands = shownIn(page);

  it("shows a tour", () => {
    expect(commands.length).toBeGreaterThan(10);
  });

  for (const { command, lines } of commands) {
    it.skipIf(!canRun(command))(`${command}${canRun(command) ? "" : " (NOT RUN: grpcurl)"}`, () => {
      const printed = quickstart.run(command);
      expect(missingLine(printed, lines), `in:\n${printed.join("\n")}`).toBeUndefined();
      expect(lines.length).toBeGreaterThan(0);
    });
  }

  it("links to what is there", () => {
    const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].concat(
      readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".md"))
        .map((file) => path.join("docs", file)),
    );
    const dead = pages.flatMap((file) =>
      [...readFileSync(path.join(root, file), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .map(([, target = ""]) => target)
        .filter((target) => !existsSync(path.resolve(root, path.dirname(file), target)))
        .map((target) => `${file}: ${target}`),
    );
    expect(dead).toEqual([]);
  });
});
