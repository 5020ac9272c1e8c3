import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ConfigSources, loadConfig } from "../../src/config/load-config.ts";
import { Fault } from "../../src/runtime/fault.ts";

const least = "bundle: { file: b.tar.gz, keyset: k.json }\nregistry: { dir: store }\n";

function write(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-config-"));
  mkdirSync(join(folder, "etc"));
  writeFileSync(join(folder, "etc/sallyport.yaml"), text);
  return join(folder, "etc/sallyport.yaml");
}

function load(text: string, more: Partial<ConfigSources> = {}) {
  return loadConfig({ file: write(text), cwd: "/work-dir", ...more });
}

function fault(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Fault);
    expect((thrown as Fault).code).toBe("config_invalid");
    return (thrown as Fault).message;
  }
  throw new Error("nothing was wrong");
}

describe("a configuration", () => {
  it("needs a bundle and a store, and has a default for everything else", () => {
    const config = load(least);
    expect(config.grpc).toEqual({ listen: "127.0.0.1:7600" });
    expect(config.limits.topic_bytes).toBe(1024);
    expect(config.decision_log.sink).toBe("stdout");
    expect(config.peers).toEqual([]);
    expect(fault(() => load(""))).toMatch("`bundle` is missing; `registry` is missing");
    expect(fault(() => load("bundle: {}\nregistry: { dir: x }"))).toMatch(
      "line 1: `bundle.file` is missing (or `SALLYPORT_BUNDLE_FILE`)",
    );
  });

  it("is frozen throughout", () => {
    const config = load(
      least +
        "peers: [{ name: a, match: { loopback: true }, env: lab, region: r, endpoint: e, tenants: [t] }]",
    );
    expect(Object.isFrozen(config.limits)).toBe(true);
    expect(Object.isFrozen(config.peers[0]?.tenants)).toBe(true);
    expect(config.peers[0]).toMatchObject({ kinds: ["*"], may_assert: [], zone: "" });
  });

  it("resolves paths against the file that names them, and others against the working directory", () => {
    const file = write(
      `${least}decision_log: { sink: file, path: ../var/d.ndjson }\ntrust_domains: [{ name: a, roots: roots.pem }]`,
    );
    const environment = { SALLYPORT_BUNDLE_FILE: "other.tar.gz" };
    const config = loadConfig({
      file,
      cwd: "/work-dir",
      environment,
      flags: { "registry.file.path": "/abs/fleet" },
    });
    const folder = file.slice(0, -"/sallyport.yaml".length);
    expect(config.registry.dir).toBe(`${folder}/store`);
    expect(config.decision_log.path).toBe(join(folder, "../var/d.ndjson"));
    expect(config.trust_domains[0]?.roots).toBe(`${folder}/roots.pem`);
    expect(config.bundle.file).toBe("/work-dir/other.tar.gz");
    expect(config.registry.file?.path).toBe("/abs/fleet");
  });

  it("takes flags before the environment before the file", () => {
    const text = `${least}grpc: { listen: "127.0.0.1:1" }\nhttp: { listen: "127.0.0.1:1" }\nlimits: { batch: 1, filters: 1 }`;
    const environment = { SALLYPORT_GRPC_LISTEN: "127.0.0.1:2", SALLYPORT_LIMITS_BATCH: "2", PATH: "/bin" };
    const config = load(text, { environment, flags: { "grpc.listen": "[::1]:3" } });
    expect(config.grpc.listen).toBe("[::1]:3");
    expect(config.http.listen).toBe("127.0.0.1:1");
    expect(config.limits).toMatchObject({ batch: 2, filters: 1 });
  });

  it("needs no file", () => {
    const environment = {
      SALLYPORT_BUNDLE_FILE: "b.tar.gz",
      SALLYPORT_BUNDLE_KEYSET: "k.json",
      SALLYPORT_REGISTRY_DIR: "store",
      SALLYPORT_LOG_PRETTY: "true",
      SALLYPORT_PEERS:
        '[{"name":"a","match":{"loopback":true},"env":"lab","region":"r","endpoint":"e","tenants":["t"],"kinds":["publish"]}]',
    };
    const config = loadConfig({ cwd: "/w", environment });
    expect(config.log.pretty).toBe(true);
    expect(config.peers[0]?.kinds).toEqual(["publish"]);
  });
});

describe("a wrong configuration", () => {
  it.each([
    ["grcp: {}", "line 3: unknown option `grcp`, did you mean `grpc`?"],
    ["grpc: { lisen: x }", "line 3: unknown option `grpc.lisen`, did you mean `grpc.listen`?"],
    ["max_subjects: 4", "unknown option `max_subjects`, did you mean `cache.max_subjects`?"],
    ["limits:\n  batch: 0", "line 4: `limits.batch`: too small: expected number to be >=1"],
    ["limits: { batch: lots }", "`limits.batch`: expected number, received string"],
    ["log: { level: loud }", "`log.level` must be one of `debug`, `info`"],
    ["grpc: { listen: 7600 }", "`grpc.listen`: expected string"],
    ["grpc: { listen: localhost }", "`grpc.listen`: must be `host:port`"],
    ["grpc: { listen: 'localhost:70000' }", "`grpc.listen`: must be `host:port`"],
    ["grpc: { listen: '0.0.0.0:7600' }", "give `grpc.tls`, or set `insecure: true`"],
    ["http: { listen: '[::]:7601' }", "give `http.tls`, or set `insecure: true`"],
    ["decision_log: { sink: file }", "`decision_log.path` is missing"],
    ["peers: [{ name: a }]", "`peers[0].match` is missing"],
    ["trust_domains:\n  - name: a\n  - name: a", "line 5: `trust_domains[1].name` repeats `a`"],
    ["trust_domains: [{ name: a, jwks: k.json }]", "give `issuer` and `audience` with `jwks`"],
    ["trust_domains: [{ name: a, cn_fallback: true }]", "give `tenant` with `cn_fallback`"],
    ["trust_domains: [{ name: a, usage_by_policy: { x: control } }]", "must be a dotted OID"],
    ["[", "is not YAML: line "],
    ["bundle: {}", "is not YAML: line 3"],
  ])("%s", (text, message) => {
    expect(fault(() => load(`${least}${text}`))).toMatch(message);
  });

  const peer = "env: lab, region: r, endpoint: e, tenants: [t]";
  it.each([
    [`{ name: a, match: {}, ${peer} }`, "name at least one of"],
    [`{ name: a, match: { lopback: true }, ${peer} }`, "did you mean `peers[0].match.loopback`?"],
    [`{ name: a, match: { fingerprint: AB }, ${peer} }`, "must be 64 lower-case hexadecimal digits"],
    [`{ name: a, match: { uri: 'spiffe://x/y' }, ${peer} }`, "no listener asks for client certificates"],
    [
      `{ name: a, match: { loopback: true }, ${peer}, may_assert: [root] }`,
      "`peers[0].may_assert[0]` must be one of",
    ],
  ])("peers: %s", (text, message) => {
    expect(fault(() => load(`${least}peers: [${text}]`))).toMatch(message);
  });

  it("lists everything that is wrong at once", () => {
    const message = fault(() => load("bundel: {}\nregistry: { dir: 1 }\nlog: { level: no }"));
    for (const part of ["`bundle` is missing", "`registry.dir`", "`log.level`", "did you mean `bundle`"]) {
      expect(message).toMatch(part);
    }
  });

  it("names an unknown variable or flag and the nearest known one", () => {
    expect(fault(() => load(least, { environment: { SALLYPORT_GRPC_LISEN: "x" } }))).toMatch(
      "did you mean `SALLYPORT_GRPC_LISTEN`?",
    );
    expect(fault(() => load(least, { flags: { "grpc.lisen": "x" } }))).toMatch("did you mean `grpc.listen`?");
    const environment = { SALLYPORT_CONFIG: "x", SALLYPORT_HTTP_LISTEN: "" };
    expect(load(least, { environment, otherVariables: ["SALLYPORT_CONFIG"] }).http.listen).toBe(
      "127.0.0.1:7601",
    );
  });

  it("names a file that is not there", () => {
    expect(fault(() => loadConfig({ file: "none.yaml", cwd: "/nowhere" }))).toMatch("`/nowhere/none.yaml`");
  });

  it("cannot reach into prototypes", () => {
    expect(fault(() => load(`${least}__proto__: { insecure: true }`))).toMatch("unknown option `__proto__`");
    expect(load(least).insecure).toBe(false);
  });
});
