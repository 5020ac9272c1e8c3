/** Lists of mutants keep up with the source: one that no longer fits tests nothing, and nobody would notice. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Mutants } from "./laws/mutant.ts";

const here = import.meta.dirname;
const lists = readdirSync(here, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".mutants.ts"))
  .sort();

describe("mutants", () => {
  it.each(lists)("of %s fit the source, each in one place, and name a test that is there", async (file) => {
    const { law } = (await import(join(here, file))) as { law: Mutants };
    expect(readdirSync(join(here, "..", law.test, ".."))).toContain(
      law.test.slice(law.test.lastIndexOf("/") + 1),
    );
    const stray = law.mutants.filter(
      (mutant) => readFileSync(join(here, "..", mutant.file), "utf8").split(mutant.find).length !== 2,
    );
    expect(stray.map(({ what }) => what)).toEqual([]);
  });
});
