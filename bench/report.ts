/** Where a bench leaves what it measured. */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import path from "node:path";

const machine = { node: process.version, cpus: cpus().length, cpu: cpus()[0]?.model };

/** Writes `bench/out/NAME.json`, dated and with the machine. */
export function writeReport(name: string, report: object): void {
  const folder = path.resolve(import.meta.dirname, "out");
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify({ at: new Date().toISOString(), ...machine, ...report }, null, 2);
  writeFileSync(path.join(folder, `${name}.json`), `${text}\n`);
}
