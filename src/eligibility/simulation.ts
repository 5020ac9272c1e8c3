/** What a simulated campaign is given, and what it tells. */
import type { RingHealth, RolloutRecord } from "../decision/facts.ts";
import type { EligibilityAnswer } from "./eligibility.ts";

/** Numbers that a ring measures. */
export type Measured = Omit<RingHealth, "samples">;

/** Something that happens during the campaign. */
export type Happening = {
  /** Unix seconds. */
  readonly at: number;
} & (
  | { readonly act: "pause" | "resume"; readonly reason: string }
  /** Somebody edits the record of the rollout. */
  | { readonly act: "edit"; readonly what: string; readonly edit: (rollout: RolloutRecord) => RolloutRecord }
  /** From now on a ring measures these numbers as well. */
  | { readonly act: "measure"; readonly ring: string; readonly measured: Measured }
);

/** A campaign to be simulated. */
export interface SimulationPlan {
  readonly release: string;
  /** Environment of the OTA service that asks. */
  readonly env: string;
  /** Unix seconds. */
  readonly from: number;
  readonly until: number;
  /** Seconds between two rounds in which devices ask. */
  readonly stepS: number;
  /** From the answer to the end of the installation. */
  readonly installS: number;
  /** Share of installations that fail, in basis points; the same ones in every run. */
  readonly failsBp: number;
  /** Samples that each updated device brings to its ring. */
  readonly samplesPerDevice: number;
  /** What rings measure, by name; a ring that is not named keeps the health that its record has. */
  readonly health: ReadonlyMap<string, Measured>;
  readonly happenings: readonly Happening[];
}

/** What happened when. */
export interface SimulatedEvent {
  readonly at: number;
  readonly what: string;
}

/** One ring after the campaign. */
export interface SimulatedRing {
  readonly name: string;
  readonly devices: number;
  /** Devices that ran the release before. */
  readonly had: number;
  /** Moments of installation, unix seconds, in order. */
  readonly installs: readonly number[];
  readonly failures: number;
  /** Devices that do not run the release at the end, by the last answer's reason. */
  readonly rest: Readonly<Record<string, number>>;
}

/** One device after the campaign. */
export interface SimulatedOutcome {
  readonly id: string;
  readonly ring: string;
  readonly installed_at: number | undefined;
  readonly answer: EligibilityAnswer;
  readonly reason: string;
  readonly attempts: number;
}

/** A campaign that was simulated. */
export interface Simulation {
  readonly rollout: string;
  readonly rings: readonly SimulatedRing[];
  readonly events: readonly SimulatedEvent[];
  readonly devices: readonly SimulatedOutcome[];
  /** Devices of the fleet that the release does not concern. */
  readonly others: number;
  /** State of the rollout at the end, pauses included. */
  readonly state: RolloutRecord["state"];
  /** Answers that were given, and evaluations of the policy that they took. */
  readonly answers: number;
  readonly evaluations: number;
}
