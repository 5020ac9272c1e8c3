import { describe, expect, it } from "vitest";
import type { BundleCase } from "../../src/bundle/case-file.ts";
import { readBundle } from "../../src/bundle/read-bundle.ts";
import { type Budgets, preflight } from "../../src/pdp/preflight.ts";
import { Fault } from "../../src/runtime/fault.ts";
import { releaseOf } from "../bundle/releases.ts";
import { shippedBundle } from "../shipped.ts";
import { loopingModule } from "./looping-module.ts";

const roomy: Budgets = { minCases: 1, deadlineMs: 60_000, p99Us: 1_000_000, memoryMib: 64 };
const cases = JSON.parse(Buffer.from(shippedBundle.files.get("cases.json") ?? []).toString()) as BundleCase[];
const [first] = cases as [BundleCase];

async function refusal(archive: Uint8Array, budgets: Partial<Budgets> = {}): Promise<string> {
  const outcome = await preflight(await readBundle(archive), { ...roomy, ...budgets }).then(
    () => "passed",
    (thrown: unknown) => thrown,
  );
  expect(outcome).toBeInstanceOf(Fault);
  return `${(outcome as Fault).code}: ${(outcome as Fault).message}`;
}
const withCases = (list: unknown): Promise<Buffer> =>
  releaseOf(99, { files: { "cases.json": JSON.stringify(list) } });

describe("before a bundle comes into force", () => {
  it("the shipped one passes its own cases, and says what they cost", async () => {
    const { report, module } = await preflight(shippedBundle, roomy);
    expect(module).toBeInstanceOf(WebAssembly.Module);
    expect(report.cases).toBe(cases.length);
    expect(report.cases).toBeGreaterThan(100);
    expect(report.p99Us).toBeGreaterThan(1);
    expect(report.memoryBytes).toBeGreaterThan(65_536);
  });

  it("it is refused for one wrong answer", async () => {
    const wrong = { ...first, name: "the wrong one", reason: "ok_eol", allow: true };
    expect(await refusal(await withCases([...cases, wrong]))).toMatch(
      /^bundle_unfit: .*`the wrong one`: `.+` where it says `ok_eol`$/,
    );
    const flipped = { ...first, allow: !first.allow };
    expect(await refusal(await withCases([flipped]))).toMatch(/^bundle_unfit/);
  });

  it("it is refused for cases that are none, or too few", async () => {
    expect(await refusal(await withCases({}))).toMatch(/^bundle_invalid: .*malformed/);
    expect(await refusal(await withCases([]))).toMatch(
      /^bundle_unfit: .*brings 0 cases of its own, 1 are asked for/,
    );
    expect(await refusal(await withCases([first]), { minCases: 2 })).toMatch("brings 1 cases");
  });

  it("it is refused for what it costs", async () => {
    const all = await withCases(cases);
    expect(await refusal(all, { p99Us: 1 })).toMatch(
      /^bundle_unfit: .*us for its dearest cases, 1 are allowed/,
    );
    const large = await releaseOf(99, {
      data: ({ site }) => Object.assign(site, { large: "x".repeat(900_000) }),
    });
    expect(await refusal(large, { memoryMib: 1 })).toMatch(/^bundle_invalid: .*opa_malloc: failed/);
  });

  it.each([
    ["never ends", "loop", { deadlineMs: 4000 }, /^bundle_unfit: .*within 4000 ms/],
    ["traps", "trap", {}, /^bundle_unfit: .*cannot be evaluated/],
    ["grows without end", "grow", { memoryMib: 16 }, /^bundle_unfit: .*cannot be evaluated/],
  ] as const)(
    "it is refused where it %s, and nobody else notices",
    { timeout: 120_000 },
    async (_, what, budgets, why) => {
      const archive = await releaseOf(99, { wasm: loopingModule(shippedBundle.wasm, what) });
      let turns = 0;
      const ticking = setInterval(() => turns++, 5);
      try {
        expect(await refusal(archive, budgets)).toMatch(why);
      } finally {
        clearInterval(ticking);
      }
      expect(turns).toBeGreaterThan(10);
    },
  );
});
