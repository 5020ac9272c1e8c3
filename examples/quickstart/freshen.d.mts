/** Types of `freshen.mjs`. */
export declare function freshen(
  seed: string,
  now: number,
  fingerprints?: Readonly<Record<string, string>>,
): string;
