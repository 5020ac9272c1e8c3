import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { type Fleet, makeFleet, serveFleet } from "../client/attached.ts";
import { sallyport } from "./run.ts";

let fleet: Fleet;
let app: App;
beforeAll(async () => {
  fleet = makeFleet(120);
  app = await serveFleet(fleet);
});
afterAll(async () => {
  await app?.close();
  fleet?.[Symbol.dispose]();
});
const run = (...args: readonly string[]) => sallyport(["registry", ...args, "--address", app.grpcAddress]);

it("lets a snapshot in that waits for it, as `registry status` says, and nothing else", {
  timeout: 60_000,
}, async () => {
  const none = await run("confirm", "file");
  expect([none.code, none.stderr]).toEqual([
    1,
    "sallyport: no snapshot of source `file` waits to be confirmed\n",
  ]);
  const file = path.join(fleet.folder, "fleet.ndjson");
  writeFileSync(file, readFileSync(file, "utf8").split("\n").slice(0, 10).join("\n"));
  await app.reload();
  expect(app.registry.device("meter-100")).toBeDefined();
  expect((await run("status")).stdout).toContain(
    "  waiting    a snapshot that loses 112 records: sallyport registry confirm file\n",
  );
  expect(await run("confirm", "file")).toEqual({
    code: 0,
    stdout: "confirmed: the next snapshot of file may lose as many records as the one that was refused\n",
    stderr: "",
  });
  await app.reload();
  expect(app.registry.device("meter-100")).toBeUndefined();
  expect(app.registry.device("meter-1")).toBeDefined();
});
