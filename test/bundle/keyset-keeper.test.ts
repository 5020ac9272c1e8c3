import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KeysetKeeper, type KeysetNews } from "../../src/bundle/keyset-keeper.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { Fault } from "../../src/runtime/fault.ts";
import { keysetText, makeKey, type TestKey } from "./keys.ts";

const [ann, bob] = ["ann", "bob"].map((name) => makeKey(name)) as [TestKey, TestKey];
const one = keysetText([[ann]]);
const two = keysetText([[bob]], { version: 2, signers: [ann, bob] });
const forged = keysetText([[bob]], { version: 2, signers: [bob] });

describe("the keyset in force", () => {
  let file: string;
  let news: KeysetNews[];
  const listen = (message: unknown): void => void news.push(message as KeysetNews);
  beforeEach(() => {
    [file, news] = [one, []];
    subscribe("sallyport:bundle:keyset", listen);
  });
  afterEach(() => unsubscribe("sallyport:bundle:keyset", listen));
  const open = (kept?: string): Promise<KeysetKeeper> =>
    KeysetKeeper.open({
      clock: new ManualClock(1_700_000_000),
      kept,
      read: async () => {
        if (file === "") throw new Fault("config_invalid", "cannot read it");
        return file;
      },
      check: ({ keys }) => {
        if (keys.length > 1) throw new Fault("config_invalid", "one is enough here");
      },
    });

  it("is the pinned one, until one follows that old and new keys have signed", async () => {
    const keeper = await open();
    await keeper.look();
    expect([keeper.keyset.version, news]).toEqual([1, []]);
    file = two;
    await keeper.look();
    expect([keeper.keyset.version, news]).toEqual([2, [{ version: 2 }]]);
    // The old file comes back: the later one stays, and nothing need be said.
    file = one;
    await keeper.look();
    expect([keeper.keyset.version, news.length]).toEqual([2, 1]);
  });

  it.each([
    ["signed by its own keys alone", forged],
    ["of the same version with other keys", keysetText([[bob]])],
    ["that is no keyset", "{"],
    ["that cannot be read", ""],
    ["that the service refuses", keysetText([[ann], [bob]], { version: 2, signers: [ann, bob] })],
  ])("is not replaced by one %s, which is said once", async (_, text) => {
    const keeper = await open();
    file = text;
    await keeper.look();
    expect(keeper.keyset.version).toBe(1);
    expect(news).toMatchObject([{ version: 1, fault: { name: "Fault" } }]);
    if (text === "") return;
    await keeper.look();
    expect(news).toHaveLength(1);
  });

  it("that was kept is not undone by the pinned file after a restart", async () => {
    expect((await open(two)).keyset.version).toBe(2);
    file = two;
    expect((await open(one)).keyset.version).toBe(2);
    file = forged;
    expect((await open(one)).keyset.version).toBe(1);
  });
});
