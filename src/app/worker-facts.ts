/** The facts of a worker: read from the primary's files, told by it where no file says it. */
import path from "node:path";
import type { Config } from "../config/config.ts";
import { DutyReader } from "../registry/duty-reader.ts";
import { withLapsedSignals } from "../registry/lapsed-signals.ts";
import { OverrideMirror } from "../registry/override-mirror.ts";
import { RegistryReader, type Told } from "../registry/registry-reader.ts";
import { secondsSince } from "../registry/source-status.ts";
import type { RecordReader } from "../registry/stored-record.ts";
import { withDuties } from "../registry/with-duties.ts";
import { withOverrides } from "../registry/with-overrides.ts";
import { withReports } from "../registry/with-reports.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Closing } from "../runtime/closing.ts";
import { machineMs } from "./machine-clock.ts";
import type { ChangeTold, FactsTold, WorkerStart } from "./worker-calls.ts";

/** What a worker knows. */
export interface WorkerFacts {
  readonly registry: RegistryReader;
  readonly overrides: OverrideMirror;
  /** Whether leases may be granted now. */
  leases(): boolean;
  /** Records as they are decided on. */
  readonly records: RecordReader;
  /** How fresh they are now. */
  told(facts: FactsTold): void;
  /** A change is in force for every read after this. */
  apply(told: ChangeTold): void;
}

/** Opens them for reading. Throws `store_unavailable`. */
export function openWorkerFacts(
  config: Config,
  start: Pick<WorkerStart, "facts" | "overrides">,
  clock: Clock,
  stack: Closing,
): WorkerFacts {
  const { dir } = config.registry;
  const registry = stack.use(new RegistryReader(dir, clock));
  const duties = stack.use(new DutyReader(path.join(dir, "duties")));
  const overrides = new OverrideMirror();
  const records = withOverrides(
    withLapsedSignals(withDuties(withReports(registry), duties), clock),
    overrides,
  );
  const here = ({ revision, sources, synced }: FactsTold): Told => {
    const behindMs = clock.monotonicMs() - machineMs();
    return {
      revision,
      synced,
      sources: sources.map(({ asOfHrMs, ...scope }) => ({
        ...scope,
        age: { asOfMs: asOfHrMs + behindMs },
      })),
    };
  };
  let leases = start.facts.leases;
  const takeOverrides = ({ leases: granted, overridesAsOfHrMs, overridesMissing }: FactsTold): void => {
    overrides.missing = overridesMissing;
    const asOfMs = overridesAsOfHrMs && overridesAsOfHrMs + clock.monotonicMs() - machineMs();
    overrides.lag = () => (asOfMs === undefined ? 0 : secondsSince(clock, asOfMs));
    leases = granted;
  };
  const told = (facts: FactsTold): void => {
    takeOverrides(facts);
    registry.told(here(facts));
  };
  told(start.facts);
  for (const target of start.overrides) overrides.take(target);
  registry.apply({ scope: "everything", revision: start.facts.revision }, here(start.facts));
  return {
    registry,
    overrides,
    leases: () => leases,
    records,
    told,
    apply: ({ change, facts, target }) => {
      if (target !== undefined) overrides.take(target);
      takeOverrides(facts);
      duties.renew();
      registry.apply(change, here(facts));
    },
  };
}
