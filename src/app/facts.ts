/** The facts that the service decides on, with their one writer in this process. */
import path from "node:path";
import { reachOf, withdrawsTrust } from "../admin/reach.ts";
import type { Config } from "../config/config.ts";
import { DutyLedger } from "../registry/duty-ledger.ts";
import { withLapsedSignals } from "../registry/lapsed-signals.ts";
import type { OverridePlane } from "../registry/override-plane.ts";
import { Overrides } from "../registry/overrides.ts";
import { openRegistry, type Registry } from "../registry/registry.ts";
import { type Duties, sharedEffects } from "../registry/shared-effects.ts";
import type { RecordReader } from "../registry/stored-record.ts";
import { withDuties } from "../registry/with-duties.ts";
import { withOverrides } from "../registry/with-overrides.ts";
import { withReports } from "../registry/with-reports.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Closing } from "../runtime/closing.ts";
import { spiffeNaming } from "./parts.ts";
import { startPlane } from "./plane.ts";

/** The stores, and what they say together. */
export interface Facts {
  readonly registry: Registry;
  readonly ledger: DutyLedger;
  readonly overrides: Overrides;
  /** What other nodes do, where it is shared. */
  readonly plane: OverridePlane | undefined;
  /** Duties, among all nodes where they are shared. */
  readonly effects: Duties;
  /** Records with the marks of the ledger, before overrides. */
  readonly marked: RecordReader;
  /** Records as they are decided on. */
  readonly records: RecordReader;
}

/** Most devices that may share a claim. */
const mostHolders = 10_000;

/** Opens them for writing. Throws `store_unavailable`. */
export async function openFacts(config: Config, clock: Clock, stack: Closing): Promise<Facts> {
  const ledger = stack.use(
    await DutyLedger.open(path.join(config.registry.dir, "duties"), {
      holders: (fingerprint) => registry.deviceIdsBy("fingerprint", fingerprint, undefined, mostHolders),
    }),
  );
  const registry: Registry = stack.use(
    await openRegistry({
      dir: config.registry.dir,
      clock,
      naming: spiffeNaming(config),
      lost: (marks) => ledger.markReentries(marks),
    }),
  );
  const overrides = stack.use(
    await Overrides.open({
      dir: config.overrides.dir ?? path.join(config.registry.dir, "overrides"),
      initialize: config.overrides.initialize,
      clock,
      shared: config.overrides.nats !== undefined,
      reach: (target) => reachOf(target, registry),
      leavesMark: (override) => withdrawsTrust(override, registry),
    }),
  );
  const marked = withLapsedSignals(withDuties(withReports(registry), ledger), clock);
  const plane = startPlane(config, overrides, ledger, clock, stack);
  return {
    registry,
    ledger,
    overrides,
    plane,
    effects: plane === undefined ? ledger : sharedEffects(ledger, plane),
    marked,
    records: withOverrides(marked, overrides),
  };
}
