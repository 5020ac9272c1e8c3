/** Test support: grpcurl, a gRPC client that nobody here wrote. */
import { execFile, spawnSync } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

const root = path.resolve(import.meta.dirname, "..");
let found: readonly string[] | undefined | null = null;

/** The command that starts grpcurl as an argument prefix: `$GRPCURL`, `grpcurl` on the path, or the Go tool module. */
export function findGrpcurl(): readonly string[] | undefined {
  if (found !== null) return found;
  const named = process.env["GRPCURL"];
  const candidates: readonly string[][] = [
    ...(named === undefined || named === "" ? [] : [[named]]),
    ["grpcurl"],
    ["go", "tool", `-modfile=${path.join(root, "tools/go.mod")}`, "grpcurl"],
  ];
  found = candidates.find(
    ([command = "", ...args]) => spawnSync(command, [...args, "--version"], { timeout: 60_000 }).status === 0,
  );
  return found;
}

/** Calls a method over a plain connection, knowing of the API only what reflection says; the answer as JSON. */
export async function grpcurl(address: string, method: string, request?: unknown): Promise<unknown> {
  const [command = "", ...prefix] = findGrpcurl() ?? [];
  const data = request === undefined ? [] : ["-d", JSON.stringify(request)];
  const run = promisify(execFile);
  const { stdout } = await run(command, [...prefix, "-plaintext", ...data, address, method], {
    timeout: 20_000,
  });
  return request === undefined && method === "list" ? stdout.trim().split("\n") : JSON.parse(stdout);
}
