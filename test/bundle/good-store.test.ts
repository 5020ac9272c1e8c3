import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Good, GoodStore } from "../../src/bundle/good-store.ts";
import { noLetters } from "../../src/bundle/letters.ts";
import { goodOf } from "./good.ts";

describe("the last known good bundle", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "sallyport-good-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const read = (): Promise<Good | undefined> => new GoodStore(dir).read();

  it("is kept whole, one at a time", async () => {
    expect(await read()).toBeUndefined();
    const store = new GoodStore(join(dir, "deep", "er"));
    await store.keep(goodOf("a"));
    await store.keep(goodOf("b", { etag: '"b"', keyset: "{}", letters: { ...noLetters, approvals: ["x"] } }));
    const good = await store.read();
    expect(good?.state).toEqual(
      expect.objectContaining({
        revision: "b",
        etag: '"b"',
        keyset: "{}",
        letters: { approvals: ["x"], rollbacks: [] },
      }),
    );
    expect(good?.archive).toEqual(Buffer.from(goodOf("b").archive));
    expect(readdirSync(join(dir, "deep", "er"))).toHaveLength(2);
  });

  it("that is damaged is said, and not taken for none", async () => {
    const store = new GoodStore(dir);
    await store.keep(goodOf("a"));
    writeFileSync(join(dir, "state.json"), "{");
    await expect(store.read()).rejects.toMatchObject({ code: "bundle_unkept" });
    await store.keep(goodOf("a"));
    for (const name of readdirSync(dir)) if (name.endsWith(".gz")) rmSync(join(dir, name));
    await expect(store.read()).rejects.toMatchObject({ code: "bundle_unkept" });
  });

  it("survives a disk that is full", { timeout: 120_000 }, async () => {
    await new GoodStore(dir).keep(goodOf("a"));
    // No file of this process may grow beyond 16 blocks, as on a disk without space.
    const { stdout, status } = spawnSync(
      "sh",
      [
        "-c",
        `ulimit -f 16; exec "$0" --import tsx test/bundle/good-child.ts "$1" b 200000`,
        process.execPath,
        dir,
      ],
      { encoding: "utf8" },
    );
    expect({ stdout, status }).toEqual({ stdout: "bundle_unkept\n", status: 0 });
    expect((await read())?.state.revision).toBe("a");
    expect(readdirSync(dir).filter((name) => name.endsWith(".new"))).toEqual([]);
  });

  it("is the one before or the next after kill -9 at any moment", { timeout: 180_000 }, async () => {
    await new GoodStore(dir).keep(goodOf("a", {}, 300_000));
    const seen = new Set<string>();
    for (let round = 0; round < 6; round++) {
      const child = spawn(process.execPath, [
        "--import",
        "tsx",
        "test/bundle/good-child.ts",
        dir,
        "loop",
        "300000",
      ]);
      await once(child.stdout, "data");
      await new Promise((resolve) => setTimeout(resolve, 3 + round * 9.3));
      child.kill("SIGKILL");
      await once(child, "close");
      const good = await read();
      expect(good?.archive).toEqual(Buffer.from(goodOf(good?.state.revision ?? "", {}, 300_000).archive));
      seen.add(good?.state.revision ?? "none");
    }
    expect([...seen].every((revision) => ["a", "b", "c"].includes(revision))).toBe(true);
  });
});
