import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { GoodStore } from "../../src/bundle/good-store.ts";
import { readKeyset } from "../../src/bundle/keyset.ts";
import { Activation } from "../../src/pdp/activation.ts";
import { BundlePipeline } from "../../src/pdp/bundle-pipeline.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { keysetText, makeKey } from "../bundle/keys.ts";
import { offerOf, releaseOf } from "../bundle/releases.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";

const ci = makeKey("ci");
const keyset = keysetText([[ci]]);
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sallyport-crash-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it.each([
  ["proving", "r5"],
  ["sequencing", "r5"],
  ["checking", "r5"],
  ["activating", "r5"],
  ["persisting", "r5"],
  ["active", "r6"],
])(
  "kill -9 while a bundle is %s: the next start has %s, and takes the new one",
  { timeout: 120_000 },
  async (state, kept) => {
    const [old, next] = [await releaseOf(5, { key: ci }), await releaseOf(6, { key: ci })];
    writeFileSync(join(dir, "keyset.json"), keyset);
    writeFileSync(join(dir, "old.tar.gz"), old);
    writeFileSync(join(dir, "new.tar.gz"), next);
    const child = spawnSync(
      process.execPath,
      ["--import", "tsx", "test/pdp/activation-child.ts", dir, state],
      {
        encoding: "utf8",
      },
    );
    expect({ signal: child.signal, stdout: child.stdout }).toEqual({ signal: "SIGKILL", stdout: "" });

    using activation = new Activation(corePdp(new FactsTable(), systemClock), systemClock);
    const store = new GoodStore(join(dir, "kept"));
    using pipeline = new BundlePipeline({
      activation,
      clock: systemClock,
      rules: () => ({ keyset: readKeyset(keyset), scope: "", unsigned: "refuse" }),
      store,
    });
    const good = await store.read();
    if (good !== undefined) await pipeline.restore(good);
    expect([pipeline.active?.revision, pipeline.fault]).toEqual([kept, undefined]);
    await pipeline.offer(await offerOf(next));
    expect(pipeline.active?.revision).toBe("r6");
    expect((await store.read())?.state.revision).toBe("r6");
  },
);
