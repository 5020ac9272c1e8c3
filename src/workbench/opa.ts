/** OPA, the compiler of policies: found, asked for its version, run. The running service never needs it. */
import { spawn, spawnSync } from "node:child_process";
import { Fault } from "../runtime/fault.ts";
import { ownFile } from "../runtime/own-files.ts";

/** A command line that runs OPA: the program and its first arguments. */
export type Opa = readonly [program: string, ...args: string[]];

/** How a run of OPA ended. */
export interface OpaRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const toolModule = ownFile("tools/go.mod");

function answers([program, ...args]: Opa): boolean {
  return spawnSync(program, [...args, "version"], { stdio: "ignore" }).status === 0;
}

/**
 * Finds OPA: `$OPA`, then `opa` on the path, then the pinned Go tool module, which Go builds once (about 90 s).
 * `pinned: false` leaves out that build. Undefined where there is none.
 */
export function findOpa(pinned = true): Opa | undefined {
  const named = process.env["OPA"] ?? "";
  if (named !== "") {
    if (answers([named])) return [named];
    throw new Fault(
      "tool_missing",
      `\`$OPA\` is \`${named}\`, which does not run as OPA; correct or unset it`,
    );
  }
  if (answers(["opa"])) return ["opa"];
  const tool: Opa = ["go", "tool", `-modfile=${toolModule}`, "opa"];
  return pinned && answers(tool) ? tool : undefined;
}

/** As {@link findOpa}. @throws Fault `tool_missing` that says how to get it */
export function needOpa(): Opa {
  const opa = findOpa();
  if (opa !== undefined) return opa;
  throw new Fault(
    "tool_missing",
    "OPA is needed here and is not found: set `OPA` to the program, put `opa` on the path, or install Go 1.24 or later, which builds the pinned version",
  );
}

/** Runs OPA in a folder; what it says of the policy is for the caller to judge. @throws Fault `tool_missing` */
export function runOpa(opa: Opa, args: readonly string[], cwd: string, input = ""): Promise<OpaRun> {
  const [program, ...first] = opa;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...first, ...args], { cwd, stdio: "pipe" });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (part: Buffer) => out.push(part));
    child.stderr.on("data", (part: Buffer) => err.push(part));
    child.stdin.on("error", () => undefined); // it may end without having read everything
    child.on("error", (error) =>
      reject(new Fault("tool_missing", `\`${program}\` cannot be run: ${error.message}`, { cause: error })),
    );
    child.on("close", (code) =>
      resolve({
        code: code ?? 1,
        stdout: Buffer.concat(out).toString("utf8"),
        stderr: Buffer.concat(err).toString("utf8"),
      }),
    );
    child.stdin.end(input);
  });
}

/** OPA's version, as in `1.22.2`. */
export async function opaVersion(opa: Opa): Promise<string> {
  const { stdout } = await runOpa(opa, ["version"], ".");
  return /Version:\s*(\S+)/.exec(stdout)?.[1] ?? "unknown";
}
