import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { AdminServiceClient, type SetOverrideResponse } from "../../src/gen/sallyport/v1/admin.ts";
import { type Fleet, makeFleet, serveFleet } from "../client/attached.ts";
import { TcpProxy } from "./tcp-proxy.ts";

/** What the child decided: when, and how. */
interface Line {
  readonly at: number;
  readonly what: string;
}

/** Longer than a service takes to start. */
const leaseMs = 2000;

let fleet: Fleet;
let app: App;
let proxy: TcpProxy;
let child: ChildProcess;
let lines: Line[];

const portOf = (address: string): number => Number(address.split(":").at(-1));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(done: () => boolean, ms = 30_000): Promise<void> {
  const end = Date.now() + ms;
  while (!done()) {
    if (Date.now() > end) throw new Error(`it did not happen: ${JSON.stringify(lines.slice(-5))}`);
    await pause(10);
  }
}

beforeEach(async () => {
  lines = [];
  fleet = makeFleet(1, { coherence: { lease_s: leaseMs / 1000 } });
  app = await serveFleet(fleet);
  // The delay keeps grants and answers on their way at any moment.
  proxy = await TcpProxy.start(portOf(app.grpcAddress), 30);
  const script = path.resolve(import.meta.dirname, "attached-child.ts");
  child = spawn(process.execPath, ["--import", "tsx", script, proxy.address], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let rest = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const [at = "", ...what] = part.split(" ");
      lines.push({ at: Number(at), what: what.join(" ") });
    }
  });
  await until(() => lines.filter(({ what }) => what === "allow remembered").length > 20);
});

afterEach(async () => {
  child.kill("SIGKILL");
  await proxy[Symbol.asyncDispose]();
  await app.close();
  fleet[Symbol.dispose]();
});

/** Quarantines the device; resolves with the receipt and the moment at which it was there. */
async function withdraw() {
  const before = app.attachments.position;
  fleet.write({ "meter-0": { state: { quarantine: { active: true } } } });
  await app.reload();
  const receipt = await app.attachments.receipt(before);
  return { receipt, at: Date.now() };
}

/** The law, and that it was tried: the child has decided afterwards. */
async function mustNotAllowAfter(at: number): Promise<void> {
  await until(() => lines.some((line) => line.at > at + 500 && line.what.startsWith("deny")));
  expect(lines.filter((line) => line.at > at && line.what.startsWith("allow"))).toEqual([]);
}

describe("after a receipt no attached client allows on the old facts", () => {
  it("where it acknowledged", async () => {
    const { receipt, at } = await withdraw();
    expect(receipt).toMatchObject({ complete: true, fenced: [], uncovered: [] });
    expect(receipt.evicted).toHaveLength(1);
    await mustNotAllowAfter(at);
    expect(lines.at(-1)?.what).toMatch(/^deny/);
  });

  it("where it was stopped with grants and answers in its buffer, and goes on", async () => {
    child.kill("SIGSTOP");
    const { receipt, at } = await withdraw();
    expect(receipt).toMatchObject({ complete: true, evicted: [] });
    expect(receipt.fenced).toEqual([{ peer: "broker", client: "child/0", sessions: 0 }]);
    child.kill("SIGCONT");
    await mustNotAllowAfter(at);
  });

  it("where another kind of override was set over the API while it was stopped", async () => {
    const admin = new AdminServiceClient(app.grpcAddress, credentials.createInsecure());
    try {
      child.kill("SIGSTOP");
      const target = { kind: "device", id: "meter-0" };
      const wanted = { kind: "safe_mode", target, mode: "", signal: "", reason: "test" };
      const override = { id: "", by: "", since: 0, expires_at: 0, ...wanted };
      const { receipt } = await new Promise<SetOverrideResponse>((resolve, reject) =>
        admin.setOverride({ override, author: "", wait: true }, (error, answer) =>
          error ? reject(error) : resolve(answer),
        ),
      );
      const at = Date.now();
      expect(receipt).toMatchObject({ complete: true, evicted: [], pending: [], uncovered: [] });
      expect(receipt?.fenced).toMatchObject([{ client: "child/0" }]);
      child.kill("SIGCONT");
      await mustNotAllowAfter(at);
    } finally {
      admin.close();
    }
  });

  it("where it is cut off, and where the cut heals", async () => {
    proxy.hold();
    const { receipt, at } = await withdraw();
    expect(receipt).toMatchObject({ complete: true, evicted: [] });
    expect(receipt.fenced).toHaveLength(1);
    await pause(300);
    proxy.release();
    await mustNotAllowAfter(at);
  });

  it("where the node was restarted and knows nothing of the leases of the process before", async () => {
    proxy.hold();
    await app.close();
    const began = Date.now();
    app = await serveFleet(fleet);
    const { receipt, at } = await withdraw();
    expect(receipt.complete).toBe(true);
    // It has waited for leases that it never granted.
    expect(at - began).toBeGreaterThan(leaseMs);
    proxy.target = portOf(app.grpcAddress);
    proxy.release();
    await mustNotAllowAfter(at);
  });
});
