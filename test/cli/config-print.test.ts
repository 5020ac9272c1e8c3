import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { buildProgram, pathOf } from "../../src/cli/program.ts";
import { wordFailure } from "../../src/cli/report-failure.ts";
import { sallyport } from "./run.ts";

let dir: string;
let file: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-cli-"));
  file = join(dir, "sallyport.yaml");
  await writeFile(
    file,
    "bundle: {file: b.tar.gz, unsigned: allow}\nregistry: {dir: store}\ngrpc: {listen: 127.0.0.1:1}\n",
  );
});
afterAll(() => rm(dir, { recursive: true, force: true }));

interface Printed {
  readonly grpc: { readonly listen: string };
  readonly bundle: { readonly file: string };
  readonly log: { readonly level: string };
}

describe("config print", () => {
  it("merges file, environment and flags; YAML and JSON say the same", async () => {
    const args = ["config", "print", "--set", "grpc.listen=127.0.0.1:3"];
    const env = {
      SALLYPORT_CONFIG: file,
      SALLYPORT_GRPC_LISTEN: "127.0.0.1:2",
      SALLYPORT_LOG_LEVEL: "warn",
      SALLYPORT_ADDRESS: "x",
    };
    const [yaml, json] = await Promise.all([
      sallyport(args, { env }),
      sallyport([...args, "--json"], { env }),
    ]);
    expect(yaml).toMatchObject({ code: 0, stderr: "" });
    const printed = JSON.parse(json.stdout) as Printed;
    expect(parse(yaml.stdout)).toEqual(printed);
    expect(printed).toMatchObject({
      grpc: { listen: "127.0.0.1:3" },
      bundle: { file: join(dir, "b.tar.gz") },
      log: { level: "warn" },
      insecure: false,
    });
  });

  it.each([
    ["no file", [], /^the configuration is wrong: .*; no file was read, name one with `--config FILE`$/],
    [
      "a misspelt option",
      ["--set", "log.levl=warn"],
      /^`log\.levl` is no option; did you mean `log\.level`\?/,
    ],
    ["half an option", ["--set", "log.level"], /^`--set` has `log\.level`: give `option=value`/],
    ["a missing file", ["--config", "nowhere.yaml"], /^cannot read configuration file `.*nowhere\.yaml`/],
    [
      "an open port",
      ["--config", "FILE", "--set", "grpc.listen=0.0.0.0:1"],
      /which others can reach: give `grpc\.tls`/,
    ],
  ])("with %s says what is wrong in one line", async (_, args, message) => {
    const program = buildProgram();
    const words = ["config", "print", ...args.map((each) => (each === "FILE" ? file : each))];
    const said = await program.parseAsync(words, { from: "user" }).then(
      () => "it went well",
      (thrown: unknown) => wordFailure(thrown, pathOf(program, words)),
    );
    expect(said).toMatch(message);
    expect(said).not.toMatch("\n");
  });

  it("lets --insecure open a port", async () => {
    const args = [
      "config",
      "print",
      "--config",
      file,
      "--set",
      "grpc.listen=0.0.0.0:1",
      "--insecure",
      "--json",
    ];
    expect(JSON.parse((await sallyport(args)).stdout)).toMatchObject({ insecure: true });
  });
});
