import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { documentConfig } from "../../src/config/document-config.ts";
import { listOptions } from "../../src/config/options.ts";

describe("the options", () => {
  it("each have a description and an unambiguous variable", () => {
    const options = listOptions();
    expect(options.length).toBeGreaterThan(60);
    expect(
      options.filter(({ description }) => !/^[A-Z`].*\.$/s.test(description)).map(({ path }) => path),
    ).toEqual([]);
    const variables = options.flatMap(({ variable }) => (variable ? [variable] : []));
    expect(new Set(variables).size).toBe(variables.length);
  });

  it("stand in docs/configuration.md as in the schema", () => {
    expect(
      readFileSync("docs/configuration.md", "utf8"),
      "run `npx tsx scripts/configuration-docs.mjs`",
    ).toBe(documentConfig());
  });
});
