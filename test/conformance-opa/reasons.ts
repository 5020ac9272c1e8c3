/** Why a case does not pass. */

const reasons: readonly (readonly [RegExp, string])[] = [
  [/`(http\.send|net\.lookup_ip_addr)`/, "refused at load by design: a decision talks to no network"],
  [/`(rand\.intn|uuid\.rfc4122)`/, "refused at load by design: the result changes from call to call"],
  [/`opa\.runtime`/, "refused at load by design: a decision reads no environment"],
  [/`rego\./, "refused at load by design: a compiled policy does not hold its source"],
  [/`trace`/, "refused at load by design: there is no trace to write to"],
];

const byNote: readonly (readonly [RegExp, string])[] = [
  [
    /^data\/(nested|toplevel) integer/,
    "OPA's Wasm cannot index base data by an integer (its own exceptions list names the case)",
  ],
  [
    /unmarshal number/,
    "OPA's Wasm parses JSON itself, without the limit on exponents (its own exceptions list names the case)",
  ],
  [/^json_verify_schema/, "the answer is right, the text of the error is another library's"],
  [/^time\/time caching/, "uses `test.sleep`, which only OPA's tests have"],
];

/** The reason by the failure's text; what none explains is shown as it is. */
export function reasonFor(note: string, failure: string): string {
  for (const [pattern, reason] of reasons) if (pattern.test(failure)) return reason;
  if (/bignum|big_int|sum integer fast-path/.test(note)) {
    return "OPA's Wasm arithmetic holds no integer beyond 64 bits (its own exceptions list names the case)";
  }
  for (const [pattern, reason] of byNote) if (pattern.test(note)) return reason;
  return failure.replace(/, rewrite it without$/, "");
}
