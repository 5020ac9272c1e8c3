/** Run by the full-disk test, where files cannot grow: loads a fleet file and says what became of it. */
import { openRegistry } from "../../src/registry/registry.ts";
import { RegistryFile } from "../../src/registry/registry-file.ts";
import { systemClock } from "../../src/runtime/clock.ts";

const [dir = "", path = ""] = process.argv.slice(2);
const registry = await openRegistry({ dir, clock: systemClock });
const file = await RegistryFile.open(registry, { path, clock: systemClock, settleMs: 0, watch: false });
const seen = new Set(Array.from({ length: 400 }, (_, each) => registry.device(`d${each}`)?.record?.hw_rev));
const { fault } = registry.status().sources[0] ?? {};
process.stdout.write(
  JSON.stringify({
    code: fault?.code,
    message: fault?.message,
    seen: [...seen],
    revision: registry.revision,
  }),
);
await file[Symbol.asyncDispose]();
process.exit(0);
