import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeCertificates } from "../../examples/mqtt-broker/certificates.mjs";
import { sallyport } from "./run.ts";
import { startTable, type TableService } from "./service.ts";

let service: TableService;
let dir: string;
const at = (name: string): string => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-cli-"));
  const now = Math.floor(Date.now() / 1000);
  await makeCertificates({ out: dir, tenant: "acme", devices: ["operator"], days: 1, now });
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "broker.pem", "broker.key"].map((name) => readFile(at(name))),
  );
  const pair = { cert_chain: cert as Buffer, private_key: key as Buffer };
  service = await startTable(ServerCredentials.createSsl(ca as Buffer, [pair], true));
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

describe("a connection with mutual TLS", () => {
  it("is made with certificates from options or variables, for each service", async () => {
    const tls = ["--tls-ca", at("ca.pem"), "--tls-cert", at("operator.pem"), "--tls-key", at("operator.key")];
    const env = {
      SALLYPORT_ADDRESS: service.address,
      SALLYPORT_TLS_CA: at("ca.pem"),
      SALLYPORT_TLS_CERT: at("operator.pem"),
      SALLYPORT_TLS_KEY: at("operator.key"),
    };
    const [options, variables, device] = await Promise.all([
      sallyport(["check", "connect", "--device", "meter-001", "--address", service.address, ...tls]),
      sallyport(["check", "connect", "--device", "meter-001"], { env }),
      sallyport(["device", "get", "meter-001"], { env }),
    ]);
    expect([options.stderr, variables.stderr, device.stderr]).toEqual(["", "", ""]);
    expect([options.code, variables.code, device.code]).toEqual([0, 0, 0]);
  });

  it("that cannot be made says which options to look at", async () => {
    const ask = (...args: string[]) =>
      sallyport(["check", "connect", "--device", "meter-001", "--address", service.address, ...args]);
    const ca = ["--tls-ca", at("ca.pem")];
    const [plain, half, swapped, missing] = await Promise.all([
      ask(),
      ask(...ca, "--tls-cert", at("operator.pem")),
      ask(...ca, "--tls-cert", at("operator.pem"), "--tls-key", at("ca.pem")),
      ask("--tls-ca", at("nowhere.pem")),
    ]);
    for (const ended of [plain, half, swapped, missing]) {
      expect(ended).toMatchObject({ code: 1, stdout: "" });
      expect(ended?.stderr).toMatch(/^sallyport: [^\n]+\n$/);
    }
    expect(plain?.stderr).toMatch(/cannot reach the service at .* a TLS listener needs `--tls-ca`/);
    expect(half?.stderr).toMatch(/give `--tls-cert` and `--tls-key` together/);
    expect(swapped?.stderr).toMatch(/certificate and key/);
    expect(missing?.stderr).toMatch(/cannot read `.*nowhere\.pem` of `--tls-ca`: there is no such file/);
  });
});
