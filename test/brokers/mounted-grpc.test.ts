/** ExHook (v2, v3) and mosquitto-go-auth on the service's own gRPC port: real clients made from the brokers' protos. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { credentials, loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { connect } from "../../src/client/client.ts";
import { findGrpcurl } from "../grpcurl.ts";
import { type Administration, startAdministration } from "./administration.ts";
import { makePremises, type Premises, quarantined, released, secretOf, startIn } from "./service.ts";
import { eventually } from "./stack.ts";

const protos = path.resolve(import.meta.dirname, "../../proto");
const topicOf = (device: string, stream: string): string => `t/acme/d/${device}/${stream}`;

/** Calls of one service, by method. */
type Calls = (method: string, request: object) => Promise<Record<string, unknown>>;

let premises: Premises;
let app: App;
let emqx: Administration;
const closing: (() => void)[] = [];

beforeAll(async () => {
  emqx = await startAdministration();
  const door = { peer: "broker", max_qos: 1, may_retain: false, rate_classes: ["standard"] };
  const connects = { per_s: 10, burst: 500 };
  premises = makePremises((file) => [
    {
      name: "hooks",
      dialect: "exhook",
      ...door,
      connects,
      cache_s: 60,
      kick: { url: `${emqx.url}/api/v5`, user: "key", password: file("emqx-secret", "emqx-secret") },
    },
    { name: "yard", dialect: "mosquitto", ...door, connects },
  ]);
  app = await startIn(premises);
}, 60_000);
afterAll(async () => {
  for (const close of closing) close();
  await app?.close();
  await emqx?.[Symbol.asyncDispose]();
  premises?.[Symbol.dispose]();
});

function client(file: string, service: string): Calls {
  const definition = loadPackageDefinition(
    loadSync(file, { includeDirs: [protos], keepCase: true, enums: String, defaults: true, oneofs: true }),
  );
  const made = service
    .split(".")
    .reduce<unknown>(
      (within, name) => (within as Record<string, unknown>)[name],
      definition,
    ) as ServiceClientConstructor;
  const stub = new made(app.grpcAddress, credentials.createInsecure());
  closing.push(() => stub.close());
  return (method, request) =>
    new Promise((resolve, reject) => {
      const call = (stub as unknown as Record<string, (...args: unknown[]) => void>)[method];
      if (call === undefined) throw new Error(`no method ${method}`);
      call.call(stub, request, { deadline: Date.now() + 20_000 }, (error: Error | null, answer: unknown) =>
        error === null ? resolve(answer as Record<string, unknown>) : reject(error),
      );
    });
}

const change = async (...patch: Parameters<Premises["change"]>): Promise<void> => {
  premises.change(...patch);
  await app.reload();
};

it("the decision service answers on the same port", async () => {
  await using decisions = connect({ address: app.grpcAddress });
  const proof = { type: "secret", name: "m-1", secret: secretOf("m-1") } as const;
  expect((await decisions.decide({ kind: "connect", subject: { client_id: "m-1", proof } })).reason).toBe(
    "ok",
  );
});

describe.each(["v2", "v3"])("EMQX's ExHook %s", (version) => {
  let call: Calls;
  beforeAll(() => {
    call = client(`emqx/exhook/${version}/exhook.proto`, `emqx.exhook.${version}.HookProvider`);
  });
  const meta = { node: "emqx@127.0.0.1", version: "5.8.9", sysdescr: "EMQX", cluster_name: "emqxcl" };
  const clientinfo = (device: string, more: object = {}) => ({
    node: "emqx@127.0.0.1",
    clientid: device,
    username: device,
    password: secretOf(device),
    peerhost: "192.0.2.7",
    peerport: 40_001,
    sockport: 1883,
    protocol: "mqtt",
    anonymous: true,
    ...more,
  });
  const authenticate = (device: string, more?: object) =>
    call("OnClientAuthenticate", { clientinfo: clientinfo(device, more), result: true, meta });
  const authorize = (device: string, type: "PUBLISH" | "SUBSCRIBE", topic: string, more?: object) =>
    call("OnClientAuthorize", { clientinfo: clientinfo(device, more), type, topic, result: true, meta });
  const disconnected = (device: string, reason: string, more?: object) =>
    call("OnClientDisconnected", { clientinfo: clientinfo(device, more), reason, meta });
  const verdict = (value: boolean) => ({ type: "STOP_AND_RETURN", value: "bool_result", bool_result: value });
  const yes = verdict(true);
  const no = verdict(false);

  it("asks for the hooks that decide, and for no other", async () => {
    const { hooks } = await call("OnProviderLoaded", { broker: { version: "5.8.9" }, meta });
    expect((hooks as { name: string }[]).map(({ name }) => name)).toEqual([
      "client.authenticate",
      "client.authorize",
      "client.disconnected",
    ]);
    expect(await call("OnProviderUnloaded", { meta })).toEqual({});
  });

  it("verifies the secret, stops the chain with its verdict, whatever was said before it", async () => {
    expect(await authenticate("m-1")).toMatchObject(yes);
    expect(await authenticate("m-1", { password: "wrong" })).toMatchObject(no);
    expect(await authenticate("m-1", { password: "" })).toMatchObject(no);
    expect(await authenticate("m-ghost")).toMatchObject(no);
    expect(await authenticate("m-1", { username: "m-2", password: secretOf("m-2") })).toMatchObject(no);
    expect(await call("OnClientAuthenticate", { meta }), "nobody").toMatchObject(no);
  });

  it("judges publishes, subscriptions and wills of whoever was let in", async () => {
    await authenticate("m-1");
    expect(await authorize("m-1", "PUBLISH", topicOf("m-1", "hv/power"))).toMatchObject(yes);
    expect(await authorize("m-1", "PUBLISH", topicOf("m-2", "hv/power"))).toMatchObject(no);
    // Of a shared subscription EMQX sends the filter without its group.
    expect(await authorize("m-1", "SUBSCRIBE", topicOf("m-1", "cmd/#"))).toMatchObject(yes);
    expect(await authorize("m-1", "SUBSCRIBE", "t/acme/d/+/cmd/#")).toMatchObject(no);
    expect(await authorize("m-1", "SUBSCRIBE", "#")).toMatchObject(no);
    expect(await authorize("m-1", "PUBLISH", topicOf("m-1", "hv/power"), { username: "m-2" })).toMatchObject(
      no,
    );
    // EMQX asks about a will when it fires, before it says that the client is gone.
    expect(await authorize("m-1", "PUBLISH", topicOf("m-1", "ops/will"))).toMatchObject(yes);
    await disconnected("m-1", "normal");
    expect(await authorize("m-1", "PUBLISH", topicOf("m-1", "ops/will"))).toMatchObject(no);
  });

  it("keeps the session of a client that came back before its earlier connection was gone", async () => {
    await authenticate("m-1", { peerport: 40_001 });
    await authenticate("m-1", { peerport: 40_002 });
    for (const reason of ["takenover", "discarded", "tcp_closed"]) {
      await disconnected("m-1", reason, { peerport: 40_001 });
      expect(await authorize("m-1", "PUBLISH", topicOf("m-1", "ops/x")), reason).toMatchObject(yes);
    }
    // Older versions tell no port.
    await disconnected("m-1", "takenover", { peerport: 0 });
    expect(await authorize("m-1", "PUBLISH", topicOf("m-1", "ops/x"))).toMatchObject(yes);
    await disconnected("m-1", "tcp_closed", { peerport: 40_002 });
    expect(await authorize("m-1", "PUBLISH", topicOf("m-1", "ops/x"))).toMatchObject(no);
  });

  it("kicks a quarantined device and goes on denying", async () => {
    await authenticate("m-2");
    const before = emqx.told.length;
    await change("m-2", quarantined);
    const kicked = () =>
      emqx.told.slice(before).some(({ call: told }) => told === "DELETE /api/v5/clients/m-2");
    expect(await eventually(kicked, 5000)).toBe(true);
    expect(await authorize("m-2", "PUBLISH", topicOf("m-2", "ops/x"))).toMatchObject(no);
    expect(await authenticate("m-2")).toMatchObject(no);
    await change("m-2", released);
  });

  it("answers a flood of guesses with verdicts, not with errors", async () => {
    const guesses = await Promise.all(
      Array.from({ length: 200 }, (_, turn) => authenticate("m-2", { password: `guess ${version} ${turn}` })),
    );
    for (const guess of guesses) expect(guess).toMatchObject(no);
    expect(await eventually(async () => (await authenticate("m-2"))["bool_result"] === true, 20_000)).toBe(
      true,
    );
  }, 60_000);
});

describe("mosquitto-go-auth", () => {
  let call: Calls;
  beforeAll(() => {
    call = client("grpc/auth.proto", "grpc.AuthService");
  });
  const user = (device: string, password = secretOf(device), username = device) =>
    call("GetUser", { username, password, clientid: device });
  const acl = (device: string, acc: number, topic: string, username = device) =>
    call("CheckAcl", { username, topic, clientid: device, acc });
  const [read, write, both, subscribe] = [1, 2, 3, 4];
  const yes = { ok: true };
  const no = { ok: false };

  it("verifies the secret, and has no superusers", async () => {
    expect(await user("m-1")).toEqual(yes);
    for (const wrong of ["wrong", "", secretOf("m-2")]) expect(await user("m-1", wrong)).toEqual(no);
    expect(await user("m-ghost")).toEqual(no);
    expect(await user("m-1", secretOf("m-2"), "m-2"), "under another's client id").toEqual(no);
    expect(await call("GetSuperuser", { username: "m-1" })).toEqual(no);
    expect(await call("GetName", {})).toEqual({ name: "sallyport" });
    expect(await call("Halt", {})).toEqual({});
  });

  it("judges publishes and wills, subscriptions with `$share`, and each delivery", async () => {
    await user("m-1");
    expect(await acl("m-1", write, topicOf("m-1", "hv/power"))).toEqual(yes);
    expect(await acl("m-1", write, topicOf("m-2", "hv/power"))).toEqual(no);
    expect(await acl("m-1", subscribe, topicOf("m-1", "cmd/#"))).toEqual(yes);
    expect(await acl("m-1", subscribe, `$share/load/${topicOf("m-1", "cmd/#")}`)).toEqual(yes);
    expect(await acl("m-1", subscribe, "$share/load/t/acme/d/+/cmd/#")).toEqual(no);
    expect(await acl("m-1", subscribe, "#")).toEqual(no);
    expect(await acl("m-1", read, topicOf("m-1", "cmd/reboot"))).toEqual(yes);
    expect(await acl("m-1", read, topicOf("m-2", "cmd/reboot"))).toEqual(no);
    expect(await acl("m-1", both, topicOf("m-1", "mgmt/x"))).toEqual(yes);
    expect(await acl("m-1", both, topicOf("m-1", "hv/x")), "it may publish, and not subscribe").toEqual(no);
    expect(await acl("m-1", 0x11, topicOf("m-1", "hv/power"))).toEqual(no);
    expect(await acl("m-1", write, topicOf("m-1", "hv/power"), "m-2")).toEqual(no);
    expect(await acl("m-9", write, topicOf("m-9", "ops/x")), "it never logged in").toEqual(no);
  });

  it("silences a quarantined device in both directions", async () => {
    await user("m-2");
    expect(await acl("m-2", read, topicOf("m-2", "cmd/reboot"))).toEqual(yes);
    await change("m-2", quarantined);
    expect(await acl("m-2", write, topicOf("m-2", "ops/x"))).toEqual(no);
    expect(await acl("m-2", read, topicOf("m-2", "cmd/reboot"))).toEqual(no);
    expect(await user("m-2")).toEqual(no);
    await change("m-2", released);
  });

  it("never answers with an error: Mosquitto would disconnect the client", async () => {
    for (const topic of ["", "\u0000", "#/#", "$SYS/x", "x".repeat(70_000)]) {
      await user("m-1");
      expect(await acl("m-1", write, topic)).toEqual(no);
      expect(await acl("m-1", subscribe, topic === "#/#" ? "#/#/" : topic)).toEqual(no);
    }
  });
});

describe.skipIf(findGrpcurl() === undefined && !process.env["CI"])("grpcurl, where it is there", () => {
  const [command = "", ...prefix] = findGrpcurl() ?? [];
  const run = async (file: string, method: string, request: object): Promise<unknown> => {
    const data = ["-import-path", protos, "-proto", file, "-d", JSON.stringify(request)];
    const args = [...prefix, "-plaintext", ...data, app.grpcAddress, method];
    return JSON.parse((await promisify(execFile)(command, args, { timeout: 20_000 })).stdout) as unknown;
  };

  it("hears the same from each", async () => {
    const clientinfo = { clientid: "m-1", username: "m-1", password: secretOf("m-1"), peerhost: "192.0.2.7" };
    for (const version of ["v2", "v3"]) {
      const file = `emqx/exhook/${version}/exhook.proto`;
      const method = `emqx.exhook.${version}.HookProvider/OnClientAuthenticate`;
      expect(await run(file, method, { clientinfo })).toEqual({ type: "STOP_AND_RETURN", boolResult: true });
      expect(await run(file, method, { clientinfo: { ...clientinfo, password: "wrong" } })).toEqual({
        type: "STOP_AND_RETURN",
        boolResult: false,
      });
    }
    const login = { username: "m-1", password: secretOf("m-1"), clientid: "m-1" };
    expect(await run("grpc/auth.proto", "grpc.AuthService/GetUser", login)).toEqual({ ok: true });
  });
});
