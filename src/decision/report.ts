/** What others than the owner of its record say of a device. */
import type { Attestation, DeviceRecord } from "./facts.ts";

/** Whose word a fact is: that of who runs the fleet, of who appraises evidence, or the device's own. */
export type Origin = "operator" | "verifier" | "device";

/** Facts of a device that have an author of their own (FACTS.md, "Registry feed": provenance per group of fields). */
export type FactGroup = "firmware" | "attestation" | "readiness";

/** What a verifier, or the device, says of a device: only the groups that are its own. */
export interface ReportRecord {
  readonly origin: Exclude<Origin, "operator">;
  readonly device: string;
  readonly tenant: string;
  /** When it was said, by the clock of who did; 0: not said. Decides nothing. */
  readonly told_at: number;
  /** The device's word. */
  readonly firmware?: Omit<NonNullable<DeviceRecord["firmware"]>, "attested_key">;
  /** The device's word: whether it could take an update now. */
  readonly readiness?: Pick<DeviceRecord["ota"], "battery_pct" | "mains" | "idle" | "tz_offset_s">;
  /** The verifier's word. */
  readonly attestation?: Attestation | null;
  /** The verifier's word: the firmware that it has measured. */
  readonly attested_key?: number;
}

/** Who said a group of facts. */
export interface Said {
  readonly group: FactGroup;
  readonly origin: Origin;
  readonly source: string;
  readonly revision: number;
  /** Unix seconds by the clock of who said it; 0: not said. */
  readonly told_at: number;
}
