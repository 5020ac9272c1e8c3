import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import type { IndexName } from "../../src/registry/index-terms.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, now } from "./records.ts";

const validate = createRecordValidator();
const ids = ["a", "a1", "b", "c"];
const cleaning: (() => PromiseLike<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

/** What one device is to be; `null`: it is gone. */
type Wish = { readonly id: string; readonly change: Partial<DeviceRecord> | null };
const credential = (id: string) => device(id).credentials[`fp-${id}`] as DeviceRecord["credentials"][string];
const wish: fc.Arbitrary<Wish> = fc.record({
  id: fc.constantFrom(...ids),
  change: fc.option(
    fc.record({
      tenant: fc.constantFrom("acme", "globex"),
      model: fc.constantFrom("", "zero_trust"),
      via: fc.subarray(["gw-1", "gw-2"]),
      credentials: fc
        .subarray(["fp-1", "fp-2"])
        .map((all) => Object.fromEntries(all.map((each) => [each, credential("a")]))),
    }),
  ),
});
/** A snapshot of everything, one that is broken off, or deltas. */
const step = fc.record({
  how: fc.constantFrom("snapshot", "broken", "deltas"),
  wishes: fc.array(wish, { maxLength: 6, size: "max" }),
});

const asked: readonly (readonly [IndexName, string])[] = [
  ...(["acme", "globex"] as const).map((each) => ["tenant", each] as const),
  ...(["fp-1", "fp-2"] as const).map((each) => ["fingerprint", each] as const),
  ...(["gw-1", "gw-2"] as const).map((each) => ["gateway", each] as const),
  ["model", "zero_trust"],
  ...ids.map((id) => ["spiffe", spiffe("acme", id)] as const),
];
function spiffe(tenant: string, id: string): string {
  return `spiffe://prod.devices.acme.example/tenant/${tenant}/device/${id}`;
}

/** The truth, by looking at every record. */
function scan(registry: Registry, index: IndexName, value: string): readonly string[] {
  return registry.deviceIdsAfter(undefined, 100).filter((id) => {
    const record = registry.device(id)?.record;
    if (record === undefined) return false;
    const { credentials, model, tenant, via } = record;
    return {
      tenant: tenant === value,
      fingerprint: Object.hasOwn(credentials, value),
      gateway: via.includes(value),
      model: model === value,
      spiffe: spiffe(tenant, id) === value,
    }[index];
  });
}

async function take(
  registry: Registry,
  { how, wishes }: { how: string; wishes: readonly Wish[] },
  version: number,
) {
  const feed = registry.feed("feed");
  const entry = ({ id, change }: Wish) => validate("device", structuredClone(device(id, change ?? {})));
  try {
    if (how === "deltas")
      await feed.apply(
        wishes.map((each) =>
          each.change === null
            ? { act: "delete", key: `device:${each.id}`, version }
            : { act: "upsert", entry: entry(each), version },
        ),
        { epoch: "e", revision: version },
      );
    else
      await feed.snapshot(
        { asOfMs: 0, maxLostShare: 1, position: { epoch: "e", revision: version } },
        async (sink) => {
          for (const [index, each] of wishes.entries())
            if (each.change !== null) sink.put(entry(each), index + 1, version);
          await sink.flush();
          if (how === "broken") throw new Error("broken off");
          return { trailer: true };
        },
      );
  } catch (thrown) {
    if (how === "snapshot") throw thrown;
  } finally {
    await feed[Symbol.asyncDispose]();
  }
}

describe.each([{ name: "memory" }, { name: "lmdb" }])("the indexes of a registry in $name", ({ name }) => {
  it("find what a look at every record finds", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6, size: "max" }), async (steps) => {
        const dir = await mkdtemp(join(tmpdir(), "sallyport-index-"));
        const clock = new ManualClock(now);
        const open = (): Promise<Registry> =>
          openRegistry(name === "lmdb" ? { dir, clock } : { memory: true, clock });
        let registry = await open();
        try {
          for (const [index, each] of steps.entries()) {
            await take(registry, each, index + 1);
            for (const [by, value] of asked)
              expect(registry.deviceIdsBy(by, value, undefined, 100), `${by} ${value}`).toEqual(
                scan(registry, by, value),
              );
          }
          if (name === "lmdb") {
            await registry[Symbol.asyncDispose]();
            registry = await open();
            for (const [by, value] of asked)
              expect(registry.deviceIdsBy(by, value, undefined, 100)).toEqual(scan(registry, by, value));
          }
        } finally {
          await registry[Symbol.asyncDispose]();
          await rm(dir, { recursive: true, force: true });
        }
      }),
      { numRuns: name === "lmdb" ? 40 : 150 },
    );
  });

  it("give pages in order, and nothing for what no record can hold", async () => {
    const dir = await mkdtemp(join(tmpdir(), "sallyport-index-"));
    cleaning.push(() => rm(dir, { recursive: true, force: true }));
    const clock = new ManualClock(now);
    const registry = await openRegistry(name === "lmdb" ? { dir, clock } : { memory: true, clock });
    cleaning.push(() => registry[Symbol.asyncDispose]());
    await take(
      registry,
      { how: "snapshot", wishes: ids.map((id) => ({ id, change: { via: ["gw-1"] } })) },
      1,
    );
    expect(registry.deviceIdsBy("gateway", "gw-1", undefined, 2)).toEqual(["a", "a1"]);
    expect(registry.deviceIdsBy("gateway", "gw-1", "a1", 2)).toEqual(["b", "c"]);
    expect(registry.deviceIdsBy("gateway", "gw-1", "c", 2)).toEqual([]);
    for (const odd of ["", "x".repeat(5000), "\ud800", "gw-1\n"])
      expect(registry.deviceIdsBy("gateway", odd, undefined, 2)).toEqual([]);
  });
});
