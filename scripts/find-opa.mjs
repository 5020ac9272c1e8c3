import { spawnSync } from "node:child_process";

/**
 * The command that starts OPA, as an argument list: `$OPA`, else `opa` on the path, else the pinned Go tool
 * module (built once by Go, about 90 s, then cached). `undefined` when none of them answers.
 */
export function findOpa() {
  const candidates = [
    ...(process.env.OPA ? [[process.env.OPA]] : []),
    ["opa"],
    ["go", "tool", "-modfile=tools/go.mod", "opa"],
  ];
  return candidates.find(([command, ...args]) => {
    return spawnSync(command, [...args, "version"], { stdio: "ignore" }).status === 0;
  });
}
