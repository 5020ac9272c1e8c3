import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { ownFile, ownProgram, ownThread } from "../../src/runtime/own-files.ts";

const root = path.resolve(import.meta.dirname, "../..");

test("files of the package are found from its root", () => {
  expect(ownFile("proto")).toBe(path.join(root, "proto"));
  expect(existsSync(ownFile("bundles/sallyport.tar.gz"))).toBe(true);
});

test("programs and threads are those of the sources, where the sources run", () => {
  expect(ownProgram("worker")).toBe(path.join(root, "src/worker.ts"));
  expect(ownThread("app/watchdog-thread").options.argv[0]).toMatch(/src\/app\/watchdog-thread\.ts$/);
});

test("a thread of the sources runs, and has nothing of the environment", async () => {
  const { file, options } = ownThread("pdp/preflight-worker");
  expect(options.env).toEqual({});
  const trial = { wasm: new Uint8Array(), data: {}, schemas: {}, cases: undefined, maxPages: 1, niceness: 0 };
  const worker = new Worker(file, { ...options, workerData: trial });
  const [verdict] = await once(worker, "message");
  expect(verdict).toMatchObject({ fault: { code: "bundle_invalid" } });
  await worker.terminate();
});

test("what is named a thread or a worker is one: the build makes each a program of its own", () => {
  const folder = path.join(root, "src");
  const named = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    /-(thread|worker)\.ts$/.test(name),
  );
  expect(named.length).toBeGreaterThan(2);
  const others = named.filter(
    (name) => !readFileSync(path.join(folder, name), "utf8").includes('from "node:worker_threads"'),
  );
  expect(others).toEqual([]);
});
