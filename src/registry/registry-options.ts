/** How a registry is opened. */
import type { Clock } from "../runtime/clock.ts";
import type { SpiffeNaming } from "./index-terms.ts";

/** Where the records are kept, and the clock they age by. */
export type RegistryOptions = {
  readonly clock: Clock;
  /** Called with what must be remembered of a device whose detection has lapsed, before its record is replaced. */
  readonly lapsed?: (deviceId: string, since: number) => void;
  /** How SPIFFE ids are made; default: as trust domains have them by default. */
  readonly naming?: SpiffeNaming;
} & ({ readonly dir: string; readonly memory?: false } | { readonly memory: true });
