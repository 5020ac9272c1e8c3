import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type App, startApp } from "../../src/app.ts";
import { type BundleServer, serveBundles } from "../../src/bundle/bundle-server.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { BundleServiceClient, type GetBundleStatusResponse } from "../../src/gen/sallyport/v1/bundle.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { keysetText, makeKey, type TestKey } from "../bundle/keys.ts";
import { approvalOf, releaseOf } from "../bundle/releases.ts";
import { sallyport } from "../cli/run.ts";
import { exampleKeysetPath, shippedPath } from "../shipped.ts";

const [ci, ann] = ["ci", "ann"].map((name) => makeKey(name)) as [TestKey, TestKey];
const patient = { timeout: 60_000, interval: 50 };

describe("a service whose bundles come from a server", { timeout: 180_000 }, () => {
  let dir: string;
  let server: BundleServer;
  let app: App | undefined;
  let client: BundleServiceClient;
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "sallyport-chain-"));
    writeFileSync(
      join(dir, "keyset.json"),
      keysetText(
        [
          [ci, { roles: ["sign"] }],
          [ann, { roles: ["approve"] }],
        ],
        { threshold: 2 },
      ),
    );
    server = await serveBundles({ dir, host: "127.0.0.1", port: 0, clock: systemClock, lookMs: 20 });
  });
  afterEach(async () => {
    await app?.close();
    await server[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });
  const put = (name: string, content: string | Uint8Array): void => {
    writeFileSync(join(dir, `${name}.new`), content);
    renameSync(join(dir, `${name}.new`), join(dir, name));
  };
  const start = async (kinds: readonly string[], tenants = ["*"]): Promise<void> => {
    const file = join(dir, "sallyport.json");
    const config = {
      grpc: { listen: "127.0.0.1:0" },
      http: { listen: "127.0.0.1:0" },
      bundle: {
        http: { url: `http://${server.address}/b.tar.gz`, long_poll_s: 1 },
        keyset: join(dir, "keyset.json"),
        dir: join(dir, "kept"),
        poll_s: 0.05,
        shadow: { mode: "manual" },
      },
      overrides: { initialize: true },
      registry: { dir: join(dir, "registry") },
      peers: [
        { name: "ops", match: { loopback: true }, env: "prod", region: "r", endpoint: "e", tenants, kinds },
      ],
      decision_log: { sink: "none" },
      log: { level: "silent" },
    };
    writeFileSync(file, JSON.stringify(config));
    app = await startApp(loadConfig({ file, cwd: dir }));
    client = new BundleServiceClient(app.grpcAddress, credentials.createInsecure());
  };
  const ask = (): Promise<GetBundleStatusResponse> =>
    new Promise((resolve, reject) => {
      client.getBundleStatus({}, (error, answer) => (error === null ? resolve(answer) : reject(error)));
    });
  const until = (wanted: object): Promise<void> =>
    vi.waitFor(async () => expect(await ask()).toMatchObject(wanted), patient);

  it("waits for approval, compares, is promoted by a person, and starts again without the server", async () => {
    const [one, two] = [await releaseOf(101, { key: ci }), await releaseOf(102, { key: ci })];
    put("b.tar.gz", one);
    await start(["inspect", "admin"]);
    await until({ active: undefined, candidate: { state: "pending_approval", waits_for: ["ann"] } });
    expect(app?.missing()).toMatchObject([
      { name: "bundle", why: expect.stringContaining("waits for one of ann") },
      {},
    ]);
    put("b.tar.gz.letters.json", JSON.stringify({ approvals: [await approvalOf(one, ann)] }));
    await until({ active: { revision: "r101", signer: "ci", approvers: ["ann"] }, unkept: "", fault: "" });

    put("b.tar.gz.letters.json", JSON.stringify({ approvals: [await approvalOf(two, ann)] }));
    put("b.tar.gz", two);
    await until({ active: { revision: "r101" }, candidate: { revision: "r102", state: "shadow" } });
    const shown = await sallyport(["bundle", "status", "--address", app?.grpcAddress ?? ""]);
    expect(shown.stdout).toMatch(/^in force r101, sequence 101\n[\s\S]*shadow r102, sequence 102\n/);
    const promoted = await sallyport(["bundle", "promote", "--address", app?.grpcAddress ?? ""]);
    expect(promoted).toMatchObject({ code: 0, stdout: "in force r102\n" });
    await until({ active: { revision: "r102" }, highest_sequence: 102 });

    await app?.close();
    const { address } = server;
    await server[Symbol.asyncDispose]();
    await start(["inspect"]);
    expect(app?.missing().map(({ name }) => name)).toEqual(["registry"]);
    await until({ active: { revision: "r102", from: `http://${address}/b.tar.gz` }, highest_sequence: 102 });
    const denied = await sallyport(["bundle", "abort", "--reason", "x", "--address", app?.grpcAddress ?? ""]);
    expect(denied).toMatchObject({ code: 1 });
  });

  it("tells a peer of some tenants nothing", async () => {
    await start(["*", "admin"], ["acme"]);
    const code = await ask().catch((error: ServiceError) => error.code);
    expect(code).toBe(status.PERMISSION_DENIED);
  });
});

describe("the example key", () => {
  it("is refused as soon as others can reach the service", async () => {
    const dir = mkdtempSync(join(tmpdir(), "sallyport-example-"));
    const config = loadConfig({
      cwd: dir,
      flags: {
        "bundle.file": shippedPath,
        "bundle.keyset": exampleKeysetPath,
        "registry.dir": join(dir, "registry"),
        "grpc.listen": "0.0.0.0:0",
        "http.listen": "127.0.0.1:0",
        "log.level": "silent",
        "overrides.initialize": true,
        insecure: true,
      },
    });
    await expect(startApp(config)).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringMatching("example key"),
    });
    rmSync(dir, { recursive: true, force: true });
  });
});
