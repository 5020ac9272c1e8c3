/** Cerbos: installed on demand into `.cache/bench`, a policy of the same conditions, the same facts as attributes. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Question } from "./scene.ts";
import { freePort, type Peer, startPeer } from "./start.ts";

const version = "0.55.0";
const cache = path.resolve(import.meta.dirname, "../../.cache/bench");

/** The program; `undefined`, with the reason on the console: it cannot be had. */
function findCerbos(): string | undefined {
  const file = path.join(cache, "node_modules/@cerbos/cerbos-linux-x64/cerbos-linux-x64");
  if (existsSync(file)) return file;
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  mkdirSync(cache, { recursive: true });
  console.log(`installing @cerbos/cerbos-linux-x64@${version} into .cache/bench`);
  const args = ["install", "--no-save", "--no-audit", "--no-fund", "--prefix", cache];
  spawnSync("npm", [...args, `@cerbos/cerbos-linux-x64@${version}`], { stdio: "inherit" });
  return existsSync(file) ? file : undefined;
}

/** Starts it over `bench/peers/cerbos`, without audit log or telemetry. */
export async function startCerbos(): Promise<(Peer & { readonly httpPort: number }) | undefined> {
  const program = findCerbos();
  if (program === undefined) return undefined;
  const [port, httpPort, debugPort] = [await freePort(), await freePort(), await freePort()];
  const config = path.join(mkdtempSync(path.join(tmpdir(), "sallyport-cerbos-")), "cerbos.yaml");
  writeFileSync(
    config,
    JSON.stringify({
      server: { grpcListenAddr: `127.0.0.1:${port}`, httpListenAddr: `127.0.0.1:${httpPort}` },
      storage: { driver: "disk", disk: { directory: path.join(import.meta.dirname, "cerbos") } },
      telemetry: { disabled: true },
    }),
  );
  const args = ["server", `--config=${config}`, "--log-level=error"];
  args.push(`--debug-listen-addr=127.0.0.1:${debugPort}`);
  return { ...(await startPeer(program, args, port)), httpPort };
}

/** A question as `CheckResources`. */
export function cerbosRequest({ input, query }: Question): object {
  const { credential, device, ...rest } = input;
  return {
    requestId: "bench",
    principal: {
      id: query.subject.client_id,
      roles: ["device"],
      attr: { credential, device },
    },
    resources: [{ actions: ["publish"], resource: { kind: "topic", id: query.topic, attr: rest } }],
  };
}
