/** Guards: the intervals in which an answer holds. */

/** Intervals `[from, until)` of what drifts without being keyed, in seconds. Shared between answers. */
export interface Drift {
  /** Age of the facts. */
  readonly lagFrom: number;
  readonly lagUntil: number;
  /** Age of the message. */
  readonly ageFrom: number;
  readonly ageUntil: number;
  /** Distance of the device's clock. */
  readonly skewFrom: number;
  readonly skewUntil: number;
}

/** An answer as the cache needs to see it. */
export interface Guarded {
  readonly allow: boolean;
  /** Unix seconds; 0: since ever. */
  readonly validFrom: number;
  /** Unix seconds; `undefined`: for ever. */
  readonly validUntil: number | undefined;
  readonly drift: Drift;
  /** Distinguishes questions with the same text: kind, QoS, retain. */
  readonly code: number;
}

/** Readings at the moment of asking, in seconds. */
export interface Readings {
  readonly now: number;
  readonly lag: number;
  readonly age: number;
  readonly skew: number;
}

/** Whether an answer holds at these readings. */
export function holds(answer: Guarded, readings: Readings): boolean {
  const { now } = readings;
  const { validUntil } = answer;
  return (
    now >= answer.validFrom &&
    (validUntil === undefined || now < validUntil) &&
    within(answer.drift, readings)
  );
}

/** Whether these readings lie in the intervals. */
export function within(drift: Drift, { lag, age, skew }: Readings): boolean {
  return (
    lag >= drift.lagFrom &&
    lag < drift.lagUntil &&
    age >= drift.ageFrom &&
    age < drift.ageUntil &&
    skew >= drift.skewFrom &&
    skew < drift.skewUntil
  );
}
