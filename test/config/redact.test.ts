import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { redact } from "../../src/config/redact.ts";

const config = loadConfig({
  cwd: "/etc",
  flags: { "bundle.file": "b.tar.gz", "bundle.unsigned": "allow", "registry.dir": "store" },
});

describe("a printed configuration", () => {
  it("shows every option", () => {
    expect(redact(config)).toEqual(config);
  });

  it("shows nothing that looks like a secret, wherever it strayed", () => {
    const strayed = {
      ...config,
      bundle: { ...config.bundle, file: "https://user:hunter2@example.org/b.tar.gz" },
      registry: {
        attestation: { verifiers: [], signed_only: false },
        http: [],
        push: { max_delete_share: 0.5, silence_s: 300 },
        dir: "-----BEGIN PRIVATE KEY-----\nhunter2",
      },
      http: { listen: "127.0.0.1:1", api_token: "hunter2" },
    } as Config;
    const printed = JSON.stringify(redact(strayed));
    expect(printed).not.toMatch("hunter2");
    expect(printed).toMatch("https://(hidden)@example.org/b.tar.gz");
  });
});
