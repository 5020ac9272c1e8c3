// @ts-check
/**
 * Makes the example fleet: `node examples/quickstart/generate.mjs` writes `fleet.seed.ndjson` beside this
 * file, always the same one. Its times are relative ("@-1h" is an hour ago), because a fleet in a
 * repository grows old; `freshen.mjs` turns them into the times of today.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { crowdDevice } from "./fleet/crowd.mjs";
import { Dice } from "./fleet/dice.mjs";
import { groups } from "./fleet/groups.mjs";
import { named } from "./fleet/named.mjs";
import { firmwarePolicy, tenants } from "./fleet/records.mjs";
import { campaign } from "./fleet/releases.mjs";

/** Where the seed is kept. */
export const seedFile = fileURLToPath(new URL("fleet.seed.ndjson", import.meta.url));

/** The whole seed as text. @param {number} [seed] @returns {string} */
export function generateSeed(seed = 20_270_115) {
  const roll = new Dice(seed);
  const policies = new Map(
    [...named.map(({ record }) => record), ...groups].map((each) => {
      const { tenant: tenantId, class: deviceClass } = /** @type {{ tenant: string, class: string }} */ (
        each
      );
      return [`${tenantId}/${deviceClass}`, firmwarePolicy(tenantId, deviceClass)];
    }),
  );
  const crowd = groups.flatMap((group) =>
    Array.from({ length: group.count }, (_, index) => crowdDevice(roll, group, index)),
  );
  const entries = [...tenants, ...policies.values(), ...named, ...crowd, ...campaign];
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(seedFile, generateSeed());
