/** How a registry is opened. */
import type { Clock } from "../runtime/clock.ts";
import type { SpiffeNaming } from "./index-terms.ts";

/** Where the records are kept, and the clock they age by. */
export type RegistryOptions = {
  readonly clock: Clock;
  /**
   * Remembers since when devices need newer evidence whose records go, or stop saying so: on disk when it resolves,
   * before the records do. Default: nobody remembers.
   */
  readonly lost?: (marks: ReadonlyMap<string, number>) => Promise<void>;
  /** How SPIFFE ids are made; default: as trust domains have them by default. */
  readonly naming?: SpiffeNaming;
} & ({ readonly dir: string; readonly memory?: false } | { readonly memory: true });
