/** A process that keeps bundles: one and says how it went, or without end until it is killed. */
import { GoodStore } from "../../src/bundle/good-store.ts";
import type { Fault } from "../../src/runtime/fault.ts";
import { goodOf } from "./good.ts";

const [dir = "", what = "", bytes = "1000"] = process.argv.slice(2);
const store = new GoodStore(dir);
if (what === "loop") {
  process.stdout.write("ready\n");
  for (;;) for (const revision of ["b", "c"]) await store.keep(goodOf(revision, {}, Number(bytes)));
}
process.on("SIGXFSZ", () => undefined);
await store.keep(goodOf(what, {}, Number(bytes))).then(
  () => process.stdout.write("kept\n"),
  (fault: Fault) => process.stdout.write(`${fault.code}\n`),
);
