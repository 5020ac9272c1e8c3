import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import { type App, startApp } from "../../src/app.ts";
import { type BundleServer, serveBundles } from "../../src/bundle/bundle-server.ts";
import { signBundle } from "../../src/bundle/sign-bundle.ts";
import { writeArchive } from "../../src/bundle/write-archive.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { NatsNode } from "../../src/nats/nats-node.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { keysetText, makeKey, type TestKey } from "../bundle/keys.ts";
import { releaseOf } from "../bundle/releases.ts";
import { makeAuthority } from "../certificates.ts";
import { entry, plain } from "../cli/run.ts";
import { type Fleet, makeFleet } from "../client/attached.ts";
import { describeWithNats, NatsServer } from "../nats.ts";
import { describeWithOpa, findOpa } from "../opa.ts";

const authority = makeAuthority("bundles");
const stranger = makeAuthority("somebody else");
const served = authority.issue({ cn: "localhost", dns: ["localhost"], ips: ["127.0.0.1"] });
const client = authority.issue({ cn: "pdp" });
const foreign = stranger.issue({ cn: "pdp" });

let dir: string;
let key: TestKey;
let fleet: Fleet | undefined;
let app: App | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sallyport-source-"));
  key = makeKey("ci");
  const files = {
    "ca.pem": authority.pem,
    "other-ca.pem": stranger.pem,
    "server.pem": served.pem,
    "server.key": served.keyPem,
    "client.pem": client.pem,
    "client.key": client.keyPem,
    "foreign.pem": foreign.pem,
    "foreign.key": foreign.keyPem,
    "keyset.json": keysetText([[key]]),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  fleet?.[Symbol.dispose]();
  rmSync(dir, { recursive: true, force: true });
});

const at = (name: string): string => join(dir, name);
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 20 });
/** Starts the service over a source; what is missing says why no bundle is in force. */
async function serveFrom(source: object): Promise<App> {
  fleet = makeFleet(1, { bundle: { ...source, keyset: at("keyset.json"), poll_s: 0.05 } });
  return startApp(loadConfig({ file: fleet.config, cwd: fleet.folder }));
}
const missing = (): string | undefined => app?.missing().find(({ name }) => name === "bundle")?.why;

describe("a bundle server behind mTLS", { timeout: 60_000 }, () => {
  let server: BundleServer;
  beforeEach(async () => {
    writeFileSync(at("b.tar.gz"), await releaseOf(5, { key }));
    const pem = (text: string): Buffer => Buffer.from(text);
    server = await serveBundles({
      dir,
      host: "127.0.0.1",
      port: 0,
      clock: systemClock,
      tls: { cert: pem(served.pem), key: pem(served.keyPem), ca: pem(authority.pem) },
    });
  });
  afterEach(() => server[Symbol.asyncDispose]());
  const source = (tls: object): object => ({
    http: { url: `https://${server.address}/b.tar.gz`, tls, long_poll_s: 0, backoff_s: 1, timeout_s: 2 },
  });

  it("serves who has a certificate of its authority", async () => {
    app = await serveFrom(source({ ca: at("ca.pem"), cert: at("client.pem"), key: at("client.key") }));
    await until(() => expect(missing()).toBeUndefined());
  });

  it.each([
    ["no certificate", { ca: "ca.pem" }],
    ["a certificate of somebody else", { ca: "ca.pem", cert: "foreign.pem", key: "foreign.key" }],
    ["another authority for the server", { ca: "other-ca.pem", cert: "client.pem", key: "client.key" }],
  ])("brings nothing to who has %s", async (_, files) => {
    const tls = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, at(file)]));
    app = await serveFrom(source(tls));
    await until(() => expect(missing()).toMatch(/^the bundle server /));
    // Not only the first time.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(missing()).toMatch(/^the bundle server /);
  });
});

/** Runs `sallyport bundle serve` until it is disposed of. */
async function serveByCommand(...flags: readonly string[]): Promise<{ url: string } & AsyncDisposable> {
  const args = [...entry, "bundle", "serve", dir, "--listen", "127.0.0.1:0", ...flags];
  const child: ChildProcess = spawn(process.execPath, args, {
    env: plain,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const [, found] = / at (https?:\S+)\//.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.on("close", () => reject(new Error("it ended")));
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      const ended = once(child, "close");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

describe("sallyport bundle serve", { timeout: 60_000 }, () => {
  const ask = (url: string, tls: object): Promise<string> =>
    new Promise((resolve) => {
      const call = request(`${url}/b.tar.gz`, { agent: false, ...tls }, (reply) => {
        reply.resume().on("end", () => resolve(String(reply.statusCode)));
      });
      call.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)).end();
    });

  it("demands client certificates with --tls-client-ca", async () => {
    writeFileSync(at("b.tar.gz"), await releaseOf(5, { key }));
    const flags = [
      "--tls-cert",
      at("server.pem"),
      "--tls-key",
      at("server.key"),
      "--tls-client-ca",
      at("ca.pem"),
    ];
    await using server = await serveByCommand(...flags);
    const { url } = server;
    const ca = authority.pem;
    expect(await ask(url, { ca, cert: client.pem, key: client.keyPem })).toBe("200");
    expect(await ask(url, { ca, cert: foreign.pem, key: foreign.keyPem })).not.toBe("200");
    expect(await ask(url, { ca })).not.toBe("200");
    expect(await ask(url, { ca: stranger.pem, cert: client.pem, key: client.keyPem })).not.toBe("200");
  });
});

describeWithNats("a NATS object store that the configuration names", () => {
  it("brings bundles into force, each newer one too", { timeout: 60_000 }, async () => {
    await using nats = await NatsServer.start();
    await using writer = await NatsNode.connect({ servers: [nats.url] });
    const blobs = await writer.blobs("policies");
    await blobs.put("site.tar.gz", await releaseOf(5, { key }));
    app = await serveFrom({
      nats: { servers: [nats.url], bucket: "policies", name: "site.tar.gz", backoff_s: 1 },
    });
    const own = app;
    await until(() => expect(missing()).toBeUndefined());
    const decider = own.decider("broker");
    const revision = async (): Promise<string> =>
      (await decider.decide({ kind: "connect", subject: { client_id: "x", proof: null } })).bundle_revision;
    expect(await revision()).toBe("r5");
    await blobs.put("site.tar.gz", await releaseOf(6, { key: makeKey("a stranger") }));
    await blobs.put("site.tar.gz", await releaseOf(7, { key }));
    await vi.waitFor(async () => expect(await revision()).toBe("r7"), { timeout: 20_000, interval: 20 });
  });
});

describeWithOpa("an OPA server", () => {
  /** Whether OPA has the bundle in force; it fetches from our server and verifies by one key. */
  async function activated(url: string, pem: string): Promise<boolean> {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const config = {
      services: { ours: { url } },
      bundles: {
        site: {
          service: "ours",
          resource: "b.tar.gz",
          signing: { keyid: "ci" },
          polling: { min_delay_seconds: 1, max_delay_seconds: 1 },
        },
      },
      keys: { ci: { algorithm: "ES256", key: pem } },
    };
    writeFileSync(at("opa.yaml"), stringify(config));
    const [command = "", ...prefix] = findOpa() ?? [];
    const args = ["run", "--server", "--addr", `127.0.0.1:${port}`, "--config-file", at("opa.yaml")];
    const child = spawn(command, [...prefix, ...args], { stdio: "ignore" });
    try {
      for (let waited = 0; waited < 15_000; waited += 200) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        const health = await fetch(`http://127.0.0.1:${port}/health?bundles`).catch(() => undefined);
        if (health?.status !== 200) continue;
        const data = await fetch(`http://127.0.0.1:${port}/v1/data/site/greeting`);
        return ((await data.json()) as { result?: string }).result === "signed";
      }
      return false;
    } finally {
      const ended = once(child, "close");
      child.kill("SIGKILL");
      await ended;
    }
  }

  it("takes our signed bundle from our server, and none that another key has signed", {
    timeout: 90_000,
  }, async () => {
    const ours = makeKey("ci", "ec");
    // Rego, not Wasm: OPA's static builds have no engine for that.
    const archive = await writeArchive(
      new Map([
        ["/.manifest", Buffer.from('{"revision":"r5","roots":["site"]}')],
        ["/site/rules.rego", Buffer.from('package site\n\ngreeting := "signed"\n')],
      ]),
    );
    writeFileSync(at("b.tar.gz"), await signBundle(archive, ours.privateKey, ""));
    await using server = await serveByCommand();
    expect(await activated(server.url, ours.pem.public)).toBe(true);
    expect(await activated(server.url, makeKey("ci", "ec").pem.public)).toBe(false);
  });
});
