import { createHash } from "node:crypto";
import { appendFile, mkdtemp, rename, rm, truncate, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { RegistryFile, type RegistryFileOptions } from "../../src/registry/registry-file.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, entry, ndjson, now } from "./records.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Bench {
  readonly registry: Registry;
  readonly file: RegistryFile;
  readonly clock: ManualClock;
  readonly path: string;
  /** Replaces the file as a careful writer does. */
  write(text: string | Buffer): Promise<void>;
}

async function setUp(text: string | undefined, options: Partial<RegistryFileOptions> = {}): Promise<Bench> {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-fleet-"));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  const path = join(dir, `fleet.${options.format ?? "ndjson"}`);
  if (text !== undefined) await writeFile(path, text);
  const clock = new ManualClock(now);
  const registry = await openRegistry({ memory: true, clock });
  const file = await RegistryFile.open(registry, {
    path,
    clock,
    pollMs: 3_600_000,
    watch: false,
    settleMs: 0,
    ...options,
  });
  cleanups.push(async () => {
    await file[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });
  const write = async (next: string | Buffer): Promise<void> => {
    await writeFile(`${path}.new`, next);
    await rename(`${path}.new`, path);
  };
  return { registry, file, clock, path, write };
}

const fleet = [entry.tenant("acme"), entry.policy("acme", "meter"), entry.device("m1"), entry.device("m2")];
const text = ndjson(fleet);

function end(of: string, count: number): string {
  const checksum = `sha256:${createHash("sha256").update(of).digest("hex")}`;
  return `${of}${JSON.stringify({ kind: "end", count, checksum })}\n`;
}

describe("a fleet file", () => {
  it("is read at once and whenever it was replaced", async () => {
    const { registry, file, write } = await setUp(text);
    expect(registry.freshness().synced).toBe(true);
    expect(registry.device("m1")?.record).toEqual(device("m1"));
    await write(ndjson([...fleet.slice(0, 3), entry.device("m3")]));
    expect(await file.look()).toMatchObject({ outcome: "applied", changed: 2, rejected: 0 });
    expect([registry.device("m2"), registry.device("m3")?.record?.id]).toEqual([undefined, "m3"]);
    expect(await file.look()).toEqual({ outcome: "unchanged" });
  });

  it("is noticed without being asked for", async () => {
    const { registry, write } = await setUp(text, { settleMs: 10, watch: true });
    await write(ndjson([...fleet, entry.device("m3")]));
    for (let each = 0; each < 200 && registry.device("m3") === undefined; each++) await sleep(10);
    expect(registry.device("m3")?.record?.id).toBe("m3");
  });

  it("is noticed by looking where the system gives no notice", async () => {
    const { registry, write } = await setUp(text, { pollMs: 20, settleMs: 10 });
    await write(ndjson([...fleet, entry.device("m3")]));
    for (let each = 0; each < 200 && registry.device("m3") === undefined; each++) await sleep(10);
    expect(registry.device("m3")?.record?.id).toBe("m3");
  });

  it("is looked at as it is when the look is asked for, also during another look", async () => {
    const many = Array.from({ length: 4000 }, (_, each) => entry.device(`d${each}`));
    const { registry, file, write } = await setUp(text);
    await write(ndjson(many));
    const during = file.look();
    await sleep(20);
    await write(ndjson([...fleet, entry.device("m3")]));
    await file.look();
    expect(registry.device("m3")?.record?.id).toBe("m3");
    await during;
  });

  it("renews the watermark at every healthy look, changed or not (SYN-08)", async () => {
    const { registry, file, clock } = await setUp(text);
    clock.advance(600);
    expect(registry.freshness().ageS).toBe(600);
    await file.look();
    expect(registry.freshness()).toEqual({ synced: true, watermark: now + 600, ageS: 0 });
  });

  it("may not be there yet", async () => {
    const { registry, file, write } = await setUp(undefined);
    expect(registry.freshness().synced).toBe(false);
    expect(registry.status().sources[0]?.fault?.code).toBe("source_unavailable");
    await write(text);
    await file.look();
    expect(registry.status().sources[0]?.fault).toBeUndefined();
    expect(registry.device("m1")?.record?.id).toBe("m1");
  });

  it("that disappears leaves its records in force, ageing", async () => {
    const { registry, file, clock, path, write } = await setUp(text);
    await unlink(path);
    clock.advance(60);
    expect(await file.look()).toMatchObject({ outcome: "unavailable" });
    expect([registry.device("m1")?.record?.id, registry.freshness().ageS]).toEqual(["m1", 60]);
    await write(text);
    expect(await file.look()).toMatchObject({ outcome: "applied", changed: 0 });
    expect(registry.freshness().ageS).toBe(0);
  });

  const line = (value: unknown): string => JSON.stringify(value);
  it.each([
    ["empty", ""],
    ["blank", "\n\n  \n"],
    ["binary", Buffer.from([0, 255, 254, 10, 128, 10])],
    ["cut off in its last line", text.slice(0, -40)],
    ["cut off in its only line", text.slice(0, 30)],
    ["not what its checksum says", end(text, 4).replace("m2", "m3")],
    ["shorter than its trailer says", end(text.slice(text.indexOf("\n") + 1), 4)],
    ["longer than its trailer says", end(text, 3)],
    ["going on after its trailer", end(text, 4) + line(entry.device("m9"))],
    ["without one good record", "{}\n[]\nnull\n"],
    ["one endless line", "x".repeat(3_000_000)],
  ])("that is %s is not applied: the good records stay in force", async (_what, broken) => {
    const { registry, file, clock, write } = await setUp(text);
    clock.advance(30);
    await write(broken);
    const look = await file.look();
    expect(look).toMatchObject({ outcome: "refused", fault: { code: "snapshot_refused" } });
    expect(registry.device("m2")?.record).toEqual(device("m2"));
    expect(registry.revision).toBe(1);
    clock.advance(30);
    expect(await file.look()).toEqual(look);
    expect(registry.freshness().ageS).toBe(60);
    expect(registry.status().sources[0]?.fault?.code).toBe("snapshot_refused");
    await write(text);
    await file.look();
    expect([registry.freshness().ageS, registry.status().sources[0]?.fault]).toEqual([0, undefined]);
  });

  it("lists its bad lines with number and reason, and goes on with the rest", async () => {
    const lines = [
      "\ufeff" + line(fleet[0]),
      "{not json}",
      "",
      line({ kind: "toaster", record: {} }),
      line({ kind: "device", record: { ...device("m7"), support: null } }),
      line({ kind: "device", record: { ...device("m8"), id: "a/b" } }),
      `{"kind":"device","pad":"${"x".repeat(1_100_000)}"}`,
      line(entry.device("m1")) + "\r",
      line(entry.device("m1")),
      line(entry.device("m2")),
    ];
    const { registry } = await setUp(lines.join("\n"));
    const [source] = registry.status().sources;
    expect(source?.rejected.map(({ line: number }) => number)).toEqual([2, 4, 5, 6, 7, 9]);
    expect(source?.rejected.map(({ reason }) => reason)).toMatchObject([
      "not JSON",
      expect.stringContaining("unknown `kind`"),
      expect.stringContaining("`support`"),
      expect.stringContaining("`id`"),
      "longer than 1 MiB",
      "the same record as in line 8",
    ]);
    expect(registry.device("m7")?.invalid).toContain("`support`");
    expect(registry.device("m2")?.record).toEqual(device("m2"));
    expect(registry.tenant("acme")?.record?.id).toBe("acme");
  });

  it("counts all its bad lines but lists only the first hundred", async () => {
    const { registry } = await setUp(`${"nonsense\n".repeat(500)}${text}`);
    expect(registry.status().sources[0]).toMatchObject({ rejectedTotal: 500 });
    expect(registry.status().sources[0]?.rejected).toHaveLength(100);
  });

  it("that once had a trailer must have one from then on", async () => {
    const { registry, file, write } = await setUp(end(text, 4));
    expect(registry.freshness().synced).toBe(true);
    const shorter = text.slice(0, text.lastIndexOf('{"kind"'));
    await write(shorter);
    expect(await file.look()).toMatchObject({ outcome: "refused" });
    expect(registry.device("m2")?.record?.id).toBe("m2");
    await write(end(shorter, 3));
    expect(await file.look()).toMatchObject({ outcome: "applied", changed: 1 });
  });

  it("is not read while it is being written", async () => {
    const { registry, file, path } = await setUp(text, { settleMs: 100 });
    await truncate(path, 0);
    const looking = file.look();
    for (const each of fleet) {
      await appendFile(path, `${line(each)}\n`);
      await sleep(30);
    }
    expect(await looking).toMatchObject({ outcome: "applied", changed: 0 });
    expect(registry.revision).toBe(1);
  });

  it("that drops half of its fleet waits for a word of confirmation", async () => {
    const many = Array.from({ length: 120 }, (_, each) => entry.device(`d${each}`));
    const { registry, file, write } = await setUp(ndjson(many));
    await write(ndjson(many.slice(0, 20)));
    expect(await file.look()).toMatchObject({ outcome: "refused" });
    expect(registry.device("d100")?.record?.id).toBe("d100");
    expect(await file.confirmDeletions()).toMatchObject({ outcome: "applied", changed: 100 });
    expect(registry.device("d100")).toBeUndefined();
    await write(ndjson(many));
    await file.look();
    await write(ndjson(many.slice(0, 20)));
    await file.look();
    await write(ndjson(many.slice(0, 10)));
    expect(await file.confirmDeletions()).toMatchObject({ outcome: "unavailable" });
    expect(registry.device("d100")?.record?.id).toBe("d100");
  });

  it.each([
    ["json", JSON.stringify(fleet)],
    ["yaml", stringify(fleet)],
  ] as const)("may be one %s list of the same entries", async (format, list) => {
    const { registry, file, write } = await setUp(list, { format });
    expect(registry.status().counts).toMatchObject({ device: { active: 2 }, tenant: { active: 1 } });
    await write(list.slice(0, -30));
    expect(await file.look()).toMatchObject({ outcome: "refused" });
    expect(registry.device("m2")?.record).toEqual(device("m2"));
  });

  it("and the store are equal after every edit", { timeout: 30_000 }, async () => {
    // These edits keep sizes and reuse inodes: where file times are coarse, only the wait tells them apart.
    const { registry, file, write } = await setUp(text, { settleMs: 15 });
    const id = fc.constantFrom("a", "b", "c", "d", "e", "f");
    const items = fc.uniqueArray(fc.record({ id, hw_rev: fc.constantFrom("r1", "r2", "r3") }), {
      selector: (item) => item.id,
      minLength: 1,
    });
    const cut = fc.option(fc.nat({ max: 2000 }), { freq: 3 });
    let good = new Map([
      ["m1", "r2"],
      ["m2", "r2"],
    ]);
    await fc.assert(
      fc.asyncProperty(items, cut, async (edited, cutAt) => {
        const whole = ndjson(edited.map(({ id: name, hw_rev }) => entry.device(name, { hw_rev })));
        const bytes = Math.min(cutAt ?? whole.length, whole.length);
        await write(whole.slice(0, bytes));
        const look = await file.look();
        const atBoundary = bytes > 0 && (whole[bytes - 1] === "\n" || whole[bytes] === "\n");
        expect(look.outcome).toBe(atBoundary ? "applied" : "refused");
        if (atBoundary) {
          const kept = whole.slice(0, bytes).trimEnd().split("\n").length;
          good = new Map(edited.slice(0, kept).map(({ id: name, hw_rev }) => [name, hw_rev]));
        }
        for (const name of ["a", "b", "c", "d", "e", "f", "m1", "m2"])
          expect([name, registry.device(name)?.record?.hw_rev]).toEqual([name, good.get(name)]);
      }),
      { numRuns: 80 },
    );
  });
});
