import { readFileSync } from "node:fs";
import { ownFile } from "../runtime/own-files.ts";

/** Version of this package. */
export function readVersion(): string {
  const text = readFileSync(ownFile("package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
