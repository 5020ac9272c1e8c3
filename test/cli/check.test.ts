import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildProgram, pathOf } from "../../src/cli/program.ts";
import { wordFailure } from "../../src/cli/report-failure.ts";
import { type Ended, sallyport } from "./run.ts";
import { startTable, type TableService } from "./service.ts";

let service: TableService;
let dir: string;
beforeAll(async () => {
  service = await startTable();
  dir = await mkdtemp(join(tmpdir(), "sallyport-cli-"));
});
beforeEach(() => void service.take());
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const check = (args: readonly string[], input = ""): Promise<Ended> =>
  sallyport(["check", ...args], { env: { SALLYPORT_ADDRESS: service.address }, input });
/** The one request of a call that was made. */
const sent = (method: string): Record<string, unknown> => {
  const request = service.take().find((asked) => asked.method === method)?.request;
  return JSON.parse(JSON.stringify(request)) as Record<string, unknown>;
};
const now = (): number => Math.floor(Date.now() / 1000);
const line = (ended: Ended): Record<string, unknown> => JSON.parse(ended.stdout) as Record<string, unknown>;

describe("an answer", () => {
  it("that allows exits with 0 and names everything a person wants to know", async () => {
    const ended = await check(["connect", "--as", "meter-001"]);
    expect(ended.stderr).toBe("");
    expect(ended.code).toBe(0);
    expect(ended.stdout).toBe(`ALLOW  ok  connect meter-001
  obligations  session_ttl_s  3600 (1 h)
               max_qos        1
               notify         ops
  valid until  until facts, policy or configuration change
  policy       bundle table-1
  facts        registry revision 7, 2 s old
  decision     d-1 (from the cache)
`);
  });

  it("that denies exits with 2, says what may help, and obeys no control character", async () => {
    const ended = await check([
      "publish",
      "--as",
      "meter-001",
      "--topic",
      "t/acme/d/meter-002/ops/\u001b[31mx",
    ]);
    expect(ended).toMatchObject({ code: 2, stderr: "" });
    expect(ended.stdout).toMatch(
      "DENY   topic_out_of_scope  publish meter-001 t/acme/d/meter-002/ops/\\u{1b}[31mx\n" +
        "  findings     looks\\u{1b}[2Jodd\n" +
        "  retry        never: nothing that the device or an operator does will help\n",
    );
    expect(ended.stdout).not.toMatch("\u001b");
  });

  it("is one JSON object with fixed fields for programs", async () => {
    const topic = "t/acme/d/meter-001/ops/temp";
    const ended = await check(["publish", "--as", "meter-001", "--topic", topic, "--qos", "1", "--json"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout.split("\n")).toHaveLength(2);
    expect(line(ended)).toEqual({
      kind: "publish",
      topic,
      qos: 1,
      retain: false,
      allow: true,
      reason: "ok_degraded",
      findings: ["attestation_warning"],
      retry: null,
      obligations: {},
      valid_until: 2_000_000_000,
      bundle_revision: "table-1",
      registry_revision: 7,
      registry_age_s: 2,
      decision_id: "d-1",
      cached: false,
    });
  });

  it("is given per filter, in order; one denial makes the exit code 2", async () => {
    const own = "t/acme/d/meter-001/cmd/#";
    const filters = ["--filter", own, "--filter", "#"];
    const both = await check(["subscribe", "--as", "meter-001", ...filters, "--json"]);
    const lines = both.stdout
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(both.code).toBe(2);
    expect(lines.map(({ filter, allow, retry }) => [filter, allow, retry])).toEqual([
      [own, true, null],
      ["#", false, "never"],
    ]);
    expect((await check(["subscribe", "--as", "meter-001", "--filter", own])).code).toBe(0);
  });

  it("is explained on demand, for people and for programs", async () => {
    const args = ["command", "--device", "meter-001", "--command", "reboot", "--explain"];
    const [people, programs] = await Promise.all([check(args), check([...args, "--json"])]);
    expect(people.code).toBe(0);
    expect(people.stdout).toMatch(/^ {2}because {6}allowed: because the table says so$/m);
    expect(people.stdout).toMatch(
      /^ {2}bounded by {3}credential\.not_after = 2033-05-18T03:33:20Z \(in \d+ d( \d+ h)?\)$/m,
    );
    expect(people.stdout).toMatch(
      /^ {2}time facts {3}credential\.not_after {2}in 1 min {2}matters again 2033/m,
    );
    expect(people.stdout).toMatch(
      /^ {2}records {6}device:meter-001 {2}found {2}revision 3 {2}file {2}2 s old$/m,
    );
    expect(line(programs)["explanation"]).toMatchObject({
      cached: true,
      bound: { path: "credential.not_after", offset_s: 0, at: 2_000_000_000 },
      input: { now: 1 },
    });
  });
});

describe("a question", () => {
  it("carries the credential that --as finds in the registry", async () => {
    await check(["connect", "--as", "meter-001", "--client-id", "meter-009", "--not-after", "+12h"]);
    const { subject } = sent("checkConnect") as {
      subject: { client_id: string; proof: { proof: { value: object } } };
    };
    expect(subject.client_id).toBe("meter-009");
    const { not_before, not_after, ...credential } = subject.proof.proof.value as Record<string, number>;
    expect(credential).toEqual({
      type: "x509",
      trust_domain: "prod.devices.acme.example",
      device_id: "meter-001",
      tenant: "acme",
      fingerprint: "fp-meter-001",
      key_protection: "software",
      usage: "telemetry",
    });
    expect((not_before as number) % 3600).toBe(0);
    expect(Math.abs((not_before as number) - (now() - 86_400))).toBeLessThan(3610);
    expect(Math.abs((not_after as number) - (now() + 43_200))).toBeLessThan(10);
  });

  it("with a complete --as asks the registry nothing", async () => {
    await check("connect --as meter-x --fingerprint f --tenant t --trust-domain d".split(" "));
    expect(service.take().map(({ method }) => method)).toEqual(["checkConnect"]);
  });

  it("carries a chain, a token, a secret or an assertion as its proof", async () => {
    const body = Buffer.from("not checked here");
    const pem = `-----BEGIN CERTIFICATE-----\n${body.toString("base64")}\n-----END CERTIFICATE-----\n`;
    const [chain, token] = [join(dir, "chain.pem"), join(dir, "device.jwt")];
    await writeFile(chain, `Leaf:\n${pem}${pem}`);
    await writeFile(token, "eyJ.a.b\n");
    const proofOf = async (args: readonly string[], input = ""): Promise<unknown> => {
      await check(["connect", "--device", "meter-001", ...args], input);
      return (sent("checkConnect")["subject"] as { proof: { proof: unknown } }).proof.proof;
    };
    const der = { type: "Buffer", data: [...body] };
    expect(await proofOf(["--cert-chain", chain])).toEqual({
      $case: "x509",
      value: { certificates: [der, der] },
    });
    expect(await proofOf(["--jwt", `@${token}`])).toEqual({ $case: "jwt", value: "eyJ.a.b" });
    expect(await proofOf(["--secret", "@-"], "hunter2\n")).toEqual({
      $case: "secret",
      value: { name: "meter-001", secret: "hunter2" },
    });
    const pairs =
      "type=claim,trust_domain=d,device_id=c,tenant=t,fingerprint=f,not_before=5,not_after=9,claim_devices=a+b";
    expect(await proofOf(["--assert", pairs])).toMatchObject({
      $case: "asserted",
      value: {
        type: "claim",
        not_before: 5,
        not_after: 9,
        claim: { single_use: true, used: false, device_ids: ["a", "b"] },
      },
    });
  });

  it("goes through a gateway with the gateway's own proof, or none", async () => {
    await check("connect --device leaf-1 --via gw-1 --via-jwt eyJ.g.w".split(" "));
    expect(sent("checkConnect")["subject"]).toEqual({
      client_id: "",
      device_id: "leaf-1",
      via: { gateway_id: "gw-1", proof: { proof: { $case: "jwt", value: "eyJ.g.w" } } },
    });
  });

  it("carries a will, times and a sequence number", async () => {
    await check("connect --as meter-001 --will-topic t/w --qos 1 --retain --device-time -5m".split(" "));
    const connect = sent("checkConnect");
    expect(connect["will"]).toEqual({ topic: "t/w", qos: 1, retain: true });
    expect(Math.abs((connect["device_time"] as number) - (now() - 300))).toBeLessThan(10);
    await check("publish --as meter-001 --topic t --occurred-at 2026-01-01T00:00:00Z --seq 9".split(" "));
    expect(sent("checkPublish")).toMatchObject({ topic: "t", occurred_at: 1_767_225_600, seq: 9 });
  });

  it("carries the people behind a command", async () => {
    await check([
      ..."command --device meter-001 --command tariff.set --via gw-1".split(" "),
      ..."--actor id=alice,tenant=acme,roles=operator+command_high,mfa=true".split(" "),
      ..."--approval by=bob,roles=command_approver,expires=+20m --approval-token eyJ.c.d".split(" "),
      ..."--break-glass ticket=INC-7,started=100,expires=200".split(" "),
    ]);
    const request = sent("checkCommand") as { approvals: { proof: { value: Record<string, unknown> } }[] };
    expect(request).toMatchObject({
      device_id: "meter-001",
      command: "tariff.set",
      via: "gw-1",
      actor: {
        proof: {
          value: {
            id: "alice",
            type: "human",
            tenant: "acme",
            roles: ["operator", "command_high"],
            mfa: true,
          },
        },
      },
      break_glass: { ticket: "INC-7", started_at: 100, expires_at: 200 },
    });
    expect(request.approvals.map(({ proof }) => proof.value)).toEqual([
      { by: "bob", roles: ["command_approver"], expires_at: expect.any(Number) as number },
      "eyJ.c.d",
    ]);
  });
});

describe("no decision", () => {
  const failures: readonly (readonly [why: string, args: string, message: RegExp])[] = [
    ["nobody asks", "connect", /^nobody asks: give `--as DEVICE`/],
    ["a topic is missing", "publish --as meter-001", /^`--topic` is missing/],
    [
      "an option is misspelt",
      "publish --topik x",
      /^unknown option `--topik` \(Did you mean --topic\?\); see `sallyport check publish --help`/,
    ],
    ["a kind is misspelt", "conect", /^unknown command `conect` \(Did you mean connect\?\)/],
    ["a QoS is none", "publish --as m --topic t --qos 3", /Allowed choices are 0, 1, 2\./],
    [
      "a time is none",
      "publish --as meter-001 --topic t --occurred-at soon",
      /^`--occurred-at` is `soon`, which is no time: give `now`/,
    ],
    ["two proofs are given", "connect --as m --jwt eyJ.a.b", /^give one of `--jwt`, `--as`/],
    [
      "a secret is on the command line",
      "connect --device m --secret hunter2",
      /^`--secret` must name a file/,
    ],
    [
      "an assertion is incomplete",
      "connect --assert device_id=m,tenant=t",
      /^`--assert` lacks `trust_domain` and `fingerprint`/,
    ],
    [
      "an assertion has an unknown name",
      "connect --assert devise_id=m",
      /^`--assert` has `devise_id=m`: give `name=value,\.\.\.` of type,/,
    ],
    [
      "an option lacks its other half",
      "connect --device m --fingerprint f",
      /^`--fingerprint` belongs to `--as`/,
    ],
    ["the registry knows no device", "connect --as ghost", /^there is no device `ghost`/],
    ["the registry knows no active credential", "connect --as meter-002", /give `--fingerprint`$/],
    ["the caller is no peer", "connect --device stranger", /no peer entry matches the caller/],
    ["the service sheds load", "connect --device overloaded", /too many questions; ask again in 1 s/],
    [
      "the service is elsewhere and there is no TLS",
      "connect --device m --address 192.0.2.1:7600",
      /^`192\.0\.2\.1:7600` is not on this machine/,
    ],
    [
      "nobody listens",
      "connect --device m --address 127.0.0.1:1",
      /^cannot reach the service at `127\.0\.0\.1:1`: start it with `sallyport serve`/,
    ],
  ];
  it.each(failures)("because %s: one line that says what to do", async (_, args, message) => {
    const program = buildProgram();
    const words = [
      "check",
      ...args.split(" "),
      ...(args.includes("--address") ? [] : ["--address", service.address]),
    ];
    const said = await program.parseAsync(words, { from: "user" }).then(
      () => "it went well",
      (thrown: unknown) => wordFailure(thrown, pathOf(program, words)),
    );
    expect(said).toMatch(message);
    expect(said).not.toMatch(/hunter2|\n/);
  });

  it("ends with exit code 1 and nothing on standard output", async () => {
    const [usage, unreachable] = await Promise.all([
      check(["publish", "--topik", "x"]),
      check(["connect", "--device", "m", "--address", "127.0.0.1:1"]),
    ]);
    for (const ended of [usage, unreachable]) {
      expect(ended).toMatchObject({ code: 1, stdout: "" });
      expect(ended.stderr).toMatch(/^sallyport: [^\n]+\n$/);
    }
  });

  it("because a file is no chain", async () => {
    const path = join(dir, "empty.pem");
    await writeFile(path, "nothing");
    const ended = await check(["connect", "--device", "m", "--cert-chain", path]);
    expect(ended).toMatchObject({
      code: 1,
      stderr: `sallyport: \`${path}\` of \`--cert-chain\` holds no certificate in PEM\n`,
    });
  });

  it("shows where it came from with SALLYPORT_DEBUG", async () => {
    const ended = await sallyport(["check", "connect"], { env: { SALLYPORT_DEBUG: "1" } });
    expect(ended.stderr).toMatch(/^sallyport: nobody asks[^\n]+\nFault: nobody asks.*\n +at /);
  });
});
