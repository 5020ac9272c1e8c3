import { resolve } from "node:path";
import { expect, it } from "vitest";
import { loadConfig } from "../../src/config/load-config.ts";

it("the quickstart's configuration is in order and stays on this machine", () => {
  const config = loadConfig({ file: "examples/quickstart/sallyport.yaml", cwd: process.cwd() });
  expect(config.insecure).toBe(false);
  expect(config.grpc.listen).toBe("127.0.0.1:7600");
  expect(config.bundle.file).toBe(resolve("bundles/sallyport.tar.gz"));
  expect(config.registry.file?.path).toBe(resolve("var/quickstart/fleet.ndjson"));
  expect(config.peers.map(({ name }) => name)).toEqual(["quickstart"]);
});
