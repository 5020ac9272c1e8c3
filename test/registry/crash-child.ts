/** Run by the crash test: loads fleet files one after the other, as fast as it can, until it is killed. */
import { openRegistry } from "../../src/registry/registry.ts";
import { RegistryFile } from "../../src/registry/registry-file.ts";
import { systemClock } from "../../src/runtime/clock.ts";

const [dir = "", ...paths] = process.argv.slice(2);
const registry = await openRegistry({ dir, clock: systemClock });
for (let turn = 0; ; turn++) {
  const path = paths[turn % paths.length] ?? "";
  const file = await RegistryFile.open(registry, { path, clock: systemClock, settleMs: 0, maxLostShare: 1 });
  await file[Symbol.asyncDispose]();
  process.stdout.write(`${registry.revision}\n`);
}
