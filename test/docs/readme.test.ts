import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshen } from "../../examples/quickstart/freshen.mjs";
import { entry, plain } from "../cli/run.ts";
import { findGrpcurl } from "../grpcurl.ts";

const root = path.resolve(import.meta.dirname, "../..");

interface Shown {
  readonly command: string;
  /** Lines shown below it; each must come first-to-last among what the command prints, as the start of a line. */
  readonly lines: readonly string[];
}

/** The commands of the page's `console` blocks with what is shown below them. */
function shownIn(page: string): Shown[] {
  const blocks = [...page.matchAll(/```console\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .filter((part) => part !== "")
      .map((part) => {
        const [command = "", ...lines] = part.trimEnd().split("\n");
        return { command, lines };
      }),
  );
}

const page = readFileSync(path.join(root, "README.md"), "utf8");

describe("README", () => {
  let dir: string;
  let service: ReturnType<typeof spawn>;
  let addresses: { grpc: string; http: string };
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "sallyport-readme-"));
    const seed = readFileSync(path.join(root, "examples/quickstart/fleet.seed.ndjson"), "utf8");
    await writeFile(path.join(dir, "fleet.ndjson"), `${freshen(seed, Math.floor(Date.now() / 1000))}\n`);
    const config = readFileSync(path.join(root, "examples/quickstart/sallyport.yaml"), "utf8")
      .replace(/\S*var\/quickstart/g, dir)
      .replace("../../bundles", path.join(root, "bundles"))
      .replace("keys/keyset.json", path.join(root, "examples/quickstart/keys/keyset.json"))
      .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:0");
    await writeFile(path.join(dir, "sallyport.yaml"), config);
    const args = [...entry, "serve", "--config", path.join(dir, "sallyport.yaml")];
    service = spawn(process.execPath, args, { cwd: root, env: plain });
    addresses = await new Promise((resolve, reject) => {
      let said = "";
      service.stdout?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        const found = /gRPC\s+(\S+)\s+HTTP\s+http:\/\/([^/\s]+)/.exec(said);
        if (found !== null) resolve({ grpc: found[1] as string, http: found[2] as string });
      });
      service.on("exit", (code) => reject(new Error(`the service ended with ${code}: ${said}`)));
    });
  });
  afterAll(async () => {
    service.kill("SIGKILL");
    await rm(dir, { recursive: true, force: true });
  });

  function run(command: string): string[] {
    const grpcurl = (findGrpcurl() ?? ["grpcurl"]).map((word) => `'${word}'`).join(" ");
    const script = [
      `sallyport() { '${process.execPath}' ${entry.join(" ")} "$@"; }`,
      `grpcurl() { command ${grpcurl} "$@"; }`,
      command.replaceAll("127.0.0.1:7600", addresses.grpc).replaceAll("127.0.0.1:7601", addresses.http),
    ].join("\n");
    const env = { ...plain, SALLYPORT_ADDRESS: addresses.grpc };
    const { stdout, stderr } = spawnSync("bash", ["-c", script], { cwd: root, encoding: "utf8", env });
    return `${stdout}${stderr}`.split("\n");
  }

  const needs = (command: string): boolean =>
    command.startsWith("grpcurl") ? findGrpcurl() !== undefined || Boolean(process.env["CI"]) : true;

  const commands = shownIn(page);

  it("shows a tour", () => {
    expect(commands.length).toBeGreaterThan(10);
  });

  for (const { command, lines } of commands) {
    it.skipIf(!needs(command))(`${command}${needs(command) ? "" : " (NOT RUN: grpcurl)"}`, () => {
      const printed = run(command);
      let at = 0;
      for (const line of lines) {
        const found = printed.findIndex((each, index) => index >= at && each.startsWith(line));
        expect(found, `\`${line}\` in:\n${printed.join("\n")}`).toBeGreaterThanOrEqual(at);
        at = found + 1;
      }
      expect(lines.length).toBeGreaterThan(0);
    });
  }

  it("links to what is there", () => {
    const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].concat(
      readdirSync(path.join(root, "docs"), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".md"))
        .map((file) => path.join("docs", file)),
    );
    const dead = pages.flatMap((file) =>
      [...readFileSync(path.join(root, file), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .map(([, target = ""]) => target)
        .filter((target) => !existsSync(path.resolve(root, path.dirname(file), target)))
        .map((target) => `${file}: ${target}`),
    );
    expect(dead).toEqual([]);
  });
});
