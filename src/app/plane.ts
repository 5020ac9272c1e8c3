/** The overrides of other nodes, where the configuration shares them. */
import type { Config } from "../config/config.ts";
import type { DutyLedger } from "../registry/duty-ledger.ts";
import { OverridePlane } from "../registry/override-plane.ts";
import type { Overrides } from "../registry/overrides.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Closing } from "../runtime/closing.ts";
import { Fault } from "../runtime/fault.ts";
import { NatsLink } from "./nats.ts";

/** Starts it; `undefined`: nothing is shared. Throws `config_invalid`. */
export function startPlane(
  config: Config,
  overrides: Overrides,
  ledger: DutyLedger,
  clock: Clock,
  stack: Closing,
): OverridePlane | undefined {
  const { hard_s, nats, node_lease_s } = config.overrides;
  if (nats === undefined) return undefined;
  if (config.nats === undefined)
    throw new Fault("config_invalid", "`overrides.nats` needs `nats.servers`; name them");
  const link = stack.use(new NatsLink(config.nats));
  const plane = stack.use(
    new OverridePlane({
      open: () => link.keyValue(nats.bucket),
      overrides,
      ledger,
      clock,
      hardS: hard_s,
      nodeLeaseS: node_lease_s,
      leaseS: config.coherence.lease_s,
    }),
  );
  overrides.plane = plane;
  return plane;
}
