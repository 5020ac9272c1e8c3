/** Answers as ExHook reads them: always `STOP_AND_RETURN`, so that nothing behind us is asked instead. */

/** A verdict; the same bytes in v2 and v3. */
export function toVerdict(allow: boolean): {
  readonly type: 2;
  readonly value: { readonly $case: "bool_result"; readonly value: boolean };
} {
  return { type: 2, value: { $case: "bool_result", value: allow } };
}
