/** A process that brings one bundle into force, then another, and dies in the state that it is told. */
import { subscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Candidate } from "../../src/bundle/candidate.ts";
import { GoodStore } from "../../src/bundle/good-store.ts";
import { readKeyset } from "../../src/bundle/keyset.ts";
import { Activation } from "../../src/pdp/activation.ts";
import { BundlePipeline } from "../../src/pdp/bundle-pipeline.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { offerOf } from "../bundle/releases.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";

const [dir = "", fatal = ""] = process.argv.slice(2);
const keyset = readKeyset(readFileSync(join(dir, "keyset.json"), "utf8"));
const pipeline = new BundlePipeline({
  activation: new Activation(corePdp(new FactsTable(), systemClock), systemClock),
  clock: systemClock,
  rules: () => ({ keyset, scope: "", unsigned: "refuse" }),
  store: new GoodStore(join(dir, "kept")),
});
await pipeline.offer(await offerOf(readFileSync(join(dir, "old.tar.gz"))));
subscribe("sallyport:bundle:step", (message) => {
  if ((message as Candidate).state === fatal) process.kill(process.pid, "SIGKILL");
});
await pipeline.offer(await offerOf(readFileSync(join(dir, "new.tar.gz"))));
process.stdout.write("survived\n");
