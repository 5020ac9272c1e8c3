import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { type Fleet, makeFleet, serveFleet } from "./attached.ts";

let fleet: Fleet;
let app: App;
let child: ChildProcess;

beforeEach(async () => {
  fleet = makeFleet(1, { coherence: { lease_s: 10 } });
  app = await serveFleet(fleet);
}, 120_000);
afterEach(async () => {
  child?.kill("SIGKILL");
  await app.close();
  fleet[Symbol.dispose]();
});

it("examples/attached runs, answers from memory, and obeys", { timeout: 120_000 }, async () => {
  const script = path.resolve(import.meta.dirname, "../../examples/attached/main.ts");
  const args = ["--import", "tsx", script, "--address", app.grpcAddress, "--device", "meter-0"];
  args.push("--deadline-ms", "20000");
  child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const says = async (words: string): Promise<void> => {
    for (let i = 0; i < 3000 && !text.includes(words); i++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(text).toContain(words);
  };
  await says("subscribe t/acme/d/meter-0/cmd/#: allow ok");
  await says("publish: allow ok (remembered)");
  fleet.write({ "meter-0": { state: { quarantine: { active: true } } } });
  await app.reload();
  await says("the subscription t/acme/d/meter-0/cmd/# is to be removed");
  await says("publish: DENY device_quarantined");
  fleet.write({ "meter-0": { state: { quarantine: { active: true, mode: "block" } } } });
  await app.reload();
  await says("the session is to be closed: disconnect");
  expect(await ended).toBe(0);
});
