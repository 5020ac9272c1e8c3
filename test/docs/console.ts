/** Pages that show commands: what they show is run against the quickstart service, as a reader would. */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { freshen } from "../../examples/quickstart/freshen.mjs";
import { entry, plain } from "../cli/run.ts";
import { findGrpcurl } from "../grpcurl.ts";

/** Root of the project. */
export const root: string = path.resolve(import.meta.dirname, "../..");

/** A command of a page. */
export interface Shown {
  readonly command: string;
  /** Lines shown below it; each must come first-to-last among what the command prints, as the start of a line. */
  readonly lines: readonly string[];
}

/** The commands of the page's `console` blocks with what is shown below them; `# ...` is said to the reader. */
export function shownIn(page: string): Shown[] {
  const blocks = [...page.matchAll(/```console\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .filter((part) => part !== "")
      .map((part) => {
        const [command = "", ...lines] = part.trimEnd().split("\n");
        return { command, lines: lines.filter((line) => line !== "" && !line.startsWith("# ")) };
      }),
  );
}

/** The first shown line that is not printed where it must be; `undefined`: all are. */
export function missingLine(printed: readonly string[], lines: readonly string[]): string | undefined {
  let at = 0;
  for (const line of lines) {
    const found = printed.findIndex((each, index) => index >= at && each.startsWith(line));
    if (found < at) return line;
    at = found + 1;
  }
  return undefined;
}

/** The quickstart service on free ports, with a fleet of its own. */
export interface Quickstart extends AsyncDisposable {
  /** Folder that stands for `var/quickstart`. */
  readonly dir: string;
  /** Runs a command as the page shows it; what it printed, by line. */
  run(command: string): string[];
}

/** Starts it. */
export async function startQuickstart(): Promise<Quickstart> {
  const dir = await mkdtemp(path.join(tmpdir(), "sallyport-docs-"));
  const seed = readFileSync(path.join(root, "examples/quickstart/fleet.seed.ndjson"), "utf8");
  await writeFile(path.join(dir, "fleet.ndjson"), `${freshen(seed, Math.floor(Date.now() / 1000))}\n`);
  const config = readFileSync(path.join(root, "examples/quickstart/sallyport.yaml"), "utf8")
    .replace(/\S*var\/quickstart/g, dir)
    .replace("../../bundles", path.join(root, "bundles"))
    .replace("keys/keyset.json", path.join(root, "examples/quickstart/keys/keyset.json"))
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:0");
  await writeFile(path.join(dir, "sallyport.yaml"), config);
  const args = [...entry, "serve", "--config", path.join(dir, "sallyport.yaml")];
  const service = spawn(process.execPath, args, { cwd: root, env: plain });
  const addresses = await new Promise<{ grpc: string; http: string }>((resolve, reject) => {
    let said = "";
    service.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const found = /gRPC\s+(\S+)\s+HTTP\s+http:\/\/([^/\s]+)/.exec(said);
      if (found !== null) resolve({ grpc: found[1] as string, http: found[2] as string });
    });
    service.on("exit", (code) => reject(new Error(`the service ended with ${code}: ${said}`)));
  });
  return {
    dir,
    run(command) {
      const grpcurl = (findGrpcurl() ?? ["grpcurl"]).map((word) => `'${word}'`).join(" ");
      const script = [
        `sallyport() { '${process.execPath}' ${entry.join(" ")} "$@"; }`,
        `grpcurl() { command ${grpcurl} "$@"; }`,
        command.replaceAll("127.0.0.1:7600", addresses.grpc).replaceAll("127.0.0.1:7601", addresses.http),
      ].join("\n");
      const env = { ...plain, SALLYPORT_ADDRESS: addresses.grpc };
      const { stdout, stderr } = spawnSync("bash", ["-c", script], { cwd: root, encoding: "utf8", env });
      return `${stdout}${stderr}`.split("\n");
    },
    async [Symbol.asyncDispose]() {
      service.kill("SIGKILL");
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Whether this machine can run a command; where it cannot it is skipped visibly, in continuous integration it fails. */
export function canRun(command: string): boolean {
  return command.startsWith("grpcurl") ? findGrpcurl() !== undefined || Boolean(process.env["CI"]) : true;
}
