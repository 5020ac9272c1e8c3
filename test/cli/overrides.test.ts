import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type App, startApp } from "../../src/app.ts";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { Credential, DeviceRecord } from "../../src/decision/facts.ts";
import type { PublishQuery } from "../../src/decision/query.ts";
import { sallyport } from "./run.ts";

const { freshen } = (await import(
  new URL("../../examples/quickstart/freshen.mjs", import.meta.url).href
)) as { freshen(text: string, now: number): string };

let dir: string;
let config: Config;
let app: App;
const ask = async (): Promise<string> => {
  const now = Math.floor(Date.now() / 1000);
  const { credentials = {} } = app.registry.device("meter-001")?.record ?? {};
  const [fingerprint = ""] = Object.entries(credentials).find(([, { status }]) => status === "active") ?? [];
  const credential: Credential = {
    type: "x509",
    trust_domain: "prod.devices.acme.example",
    device_id: "meter-001",
    tenant: "acme",
    fingerprint,
    not_before: now - 86_400,
    not_after: now + 86_400,
    key_protection: "software",
    usage: "telemetry",
  };
  const subject = { client_id: "meter-001", proof: { type: "asserted", credential } as const };
  const topic = "t/acme/d/meter-001/ops/temp";
  const query: PublishQuery = { kind: "publish", subject, topic, qos: 0, retain: false };
  return (await app.decider("quickstart").decide(query)).reason;
};
const cli = (...args: readonly string[]) => sallyport(args, { env: { SALLYPORT_ADDRESS: app.grpcAddress } });

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "sallyport-overrides-"));
  await mkdir(path.join(dir, "registry"));
  const seed = readFileSync("examples/quickstart/fleet.seed.ndjson", "utf8");
  await writeFile(path.join(dir, "fleet.ndjson"), freshen(seed, Math.floor(Date.now() / 1000)));
  config = loadConfig({
    file: "examples/quickstart/sallyport.yaml",
    flags: {
      "grpc.listen": "127.0.0.1:0",
      "http.listen": "127.0.0.1:0",
      "registry.dir": path.join(dir, "registry"),
      "registry.file.path": path.join(dir, "fleet.ndjson"),
      "decision_log.path": path.join(dir, "decisions.ndjson"),
      "log.level": "silent",
    },
    cwd: process.cwd(),
  });
  app = await startApp(config);
});
afterAll(async () => {
  await app.close();
  await rm(dir, { recursive: true, force: true });
});

describe("overrides from the command line", { timeout: 120_000 }, () => {
  it("are in force for the next decision, logged, listed, and kept across a restart", async () => {
    expect(await ask()).toBe("ok");
    const set = await cli("quarantine", "meter-001", "--reason", "INC-7", "--author", "alice");
    expect(set).toMatchObject({
      code: 0,
      stdout: "in force: o-1 quarantine (constrain) of device meter-001\n",
    });
    expect(await ask()).toBe("device_quarantined");
    const listed = await cli("override", "list", "--json");
    expect(JSON.parse(listed.stdout)).toMatchObject({ id: "o-1", by: "alice", reason: "INC-7" });
    const shown = JSON.parse((await cli("device", "get", "meter-001", "--json")).stdout) as {
      record: DeviceRecord;
    };
    expect(shown.record.state.quarantine).toMatchObject({ active: true, by: "alice" });
    await app.close();
    const log = await readFile(path.join(dir, "decisions.ndjson"), "utf8");
    expect(log).toContain('"operation":"quarantine.set"');
    app = await startApp({ ...config, overrides: { initialize: false, node_lease_s: 10, hard_s: 3600 } });
    expect(await ask()).toBe("device_quarantined");
  });

  it("are lifted on new evidence only: exit code 2 says that there is none", async () => {
    const refused = await cli("lift", "meter-001", "--reason", "mended");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("has given no evidence since");
    expect(await ask()).toBe("device_quarantined");
  });

  it("say what is wrong with a mistaken call", async () => {
    const missing = await cli("quarantine", "meter-001");
    expect(missing).toMatchObject({ code: 1, stdout: "" });
    expect(missing.stderr).toContain("--reason");
    const target = await cli("override", "set", "pause", "meter-001", "--reason", "x");
    expect(target.code).toBe(1);
    expect(target.stderr).toContain("`pause` is for rollouts");
    const lift = await cli("lift", "o-99", "--reason", "x");
    expect(lift).toMatchObject({ code: 1, stderr: "sallyport: there is no such override here\n" });
  });

  it("are not for a peer whose entry does not name `admin`, whatever `*` says", async () => {
    const [peer] = config.peers;
    if (peer === undefined) throw new Error("the example has a peer");
    await app.close();
    app = await startApp({ ...config, peers: [{ ...peer, kinds: ["*"] }] });
    const refused = await cli("quarantine", "meter-002", "--reason", "x");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("`admin`");
    expect((await cli("override", "list")).code).toBe(1);
  });

  it("make the service not ready where their store was lost, until it is made anew on purpose", async () => {
    await app.close();
    await rm(path.join(dir, "registry", "overrides"), { recursive: true });
    app = await startApp({ ...config, overrides: { initialize: false, node_lease_s: 10, hard_s: 3600 } });
    expect(app.missing().map(({ name }) => name)).toEqual(["overrides"]);
    expect(await ask()).toBe("facts_not_ready");
    await app.close();
    app = await startApp(config);
    expect(app.missing()).toEqual([]);
    expect(await ask()).toBe("ok");
  });
});
