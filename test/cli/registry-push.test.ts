import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderPushed } from "../../src/cli/registry-page.ts";
import { pushFile } from "../../src/cli/registry-push.ts";
import type { Peer } from "../../src/decision/identity.ts";
import { deviceIdIn } from "../../src/registry/device-id-in.ts";
import { DutyLedger } from "../../src/registry/duty-ledger.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { Fault } from "../../src/runtime/fault.ts";
import { ownFile } from "../../src/runtime/own-files.ts";
import type { GrpcListener } from "../../src/server/grpc-listener.ts";
import { registryService } from "../../src/services/registry-service.ts";
import { listenFor } from "../listener.ts";
import { entry, ndjson } from "../registry/records.ts";

const peer: Peer = {
  name: "cmdb",
  env: "prod",
  region: "eu-west",
  endpoint: "ep",
  source_zone: "",
  tenants: ["acme"],
  kinds: ["feed"],
  may_assert: [],
};

let dir: string;
let registry: Registry;
let ledger: DutyLedger;
let listener: GrpcListener;
const faults: unknown[] = [];

async function listen(as: Peer): Promise<GrpcListener> {
  const sync = {
    registry,
    validate: createRecordValidator(),
    clock: systemClock,
    maxLostShare: 0.5,
    silenceMs: 60_000,
    ledger,
  };
  const service = registryService({
    records: registry,
    status: () => registry.status(),
    confirmLoss: (source) => registry.confirmLoss(source),
    idOf: (asked) => deviceIdIn(registry, asked),
    sync,
    bundle: () => undefined,
  });
  return listenFor(as, service, {
    streamsPerConnection: 16,
    descriptors: ownFile("proto/descriptors.binpb"),
    onFault: (fault) => faults.push(fault),
  });
}

const push = (file: string, confirmDeletions = false, address = listener.address) =>
  pushFile({ address, timeout: "5" }, path.join(dir, file), { source: "", confirmDeletions });

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "sallyport-push-"));
  registry = await openRegistry({ memory: true, clock: systemClock });
  ledger = await DutyLedger.open(path.join(dir, "duties"));
  listener = await listen(peer);
});
afterAll(async () => {
  await listener.close(1000);
  await registry[Symbol.asyncDispose]();
  await ledger[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

describe("a pushed file", { timeout: 60_000 }, () => {
  it("is in force when the push ends, with what was rejected by its line", async () => {
    const records = Array.from({ length: 3000 }, (_, each) => entry.device(`d${each}`));
    const bad = [entry.device("foreign", { tenant: "globex" }), { kind: "device", record: { id: "bad" } }];
    await writeFile(path.join(dir, "fleet.ndjson"), ndjson([entry.tenant("acme"), ...records, ...bad]));
    const pushed = await push("fleet.ndjson");
    expect(pushed).toMatchObject({ source: "push:cmdb", records: 3001 });
    expect(pushed.rejected).toMatchObject([
      { revision: 3002, key: "device:foreign" },
      { revision: 3003, key: "device:bad" },
    ]);
    expect(registry.device("d2999")?.record?.id).toBe("d2999");
    expect(registry.device("foreign")).toBeUndefined();
    expect(registry.status().sources[0]).toMatchObject({ name: "push:cmdb" });
  });

  it("that would lose too much is refused, unless that is confirmed", async () => {
    await writeFile(path.join(dir, "small.ndjson"), ndjson([entry.tenant("acme"), entry.device("d1")]));
    await expect(push("small.ndjson")).rejects.toMatchObject({ code: "snapshot_refused" });
    expect(registry.device("d2")).toBeDefined();
    expect((await push("small.ndjson", true)).records).toBe(2);
    expect([registry.device("d1")?.record?.id, registry.device("d2")]).toEqual(["d1", undefined]);
  });

  it("is not sent where it cannot be read, and changes nothing where it is cut off", async () => {
    await expect(push("nowhere.ndjson")).rejects.toBeInstanceOf(Fault);
    await writeFile(path.join(dir, "cut.ndjson"), `${ndjson([entry.device("late")])}{"kind":"dev`);
    await expect(push("cut.ndjson", true)).rejects.toMatchObject({ code: "record_invalid" });
    expect([registry.device("late"), registry.device("d1")?.record?.id]).toEqual([undefined, "d1"]);
  });

  it("is told what it does not say of its devices, until it does", async () => {
    const file = path.join(dir, "due.ndjson");
    const outbox = path.join(dir, "taken.ndjson");
    const say = (since: number): Promise<void> => {
      const state = { ...entry.device("d1").record.state, reentry_required_since: since };
      return writeFile(file, ndjson([entry.tenant("acme"), entry.device("d1", { state })]));
    };
    await say(0);
    await ledger.markReentry("d1", 1_700_000_000);
    await ledger.markReentry("somebody-elses", 1_700_000_000);
    const duty = { key: "device:d1", reentry_required_since: 1_700_000_000, spent_claims: [] };
    // Shown, and told again: nobody has taken it.
    const pushed = await push("due.ndjson", true);
    expect(pushed.duties).toEqual([duty]);
    expect(renderPushed(pushed)).toContain("  duty device:d1: state.reentry_required_since is 1700000000\n");
    const taking = { source: "", confirmDeletions: true, duties: outbox };
    for (const _ of [1, 2]) {
      const taken = await pushFile({ address: listener.address, timeout: "5" }, file, taking);
      expect(taken.duties).toEqual([duty]);
    }
    expect(await readFile(outbox, "utf8")).toBe(`${JSON.stringify({ kind: "duty", ...duty })}\n`);
    await say(1_700_000_000);
    expect((await push("due.ndjson", true)).duties).toEqual([]);
  });

  it("is for peers whose entry names `feed`", async () => {
    const other = await listen({ ...peer, kinds: ["*"] });
    await expect(push("small.ndjson", false, other.address)).rejects.toMatchObject({
      code: "peer_forbidden",
    });
    await other.close(1000);
  });
});
