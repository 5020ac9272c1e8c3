/** Why a policy result is none: the service only says `internal_error`, an author wants the field. */
import { obligationNames } from "../decision/obligations.ts";
import { isAllowReason, isDenyReason } from "../decision/reasons.ts";
import { readGrants } from "../pdp/grants.ts";
import { readVerdict } from "../pdp/result.ts";
import { isFacts } from "./facts.ts";

/** What is wrong with the result of an entrypoint; undefined where the service would take it. */
export function resultFault(entrypoint: string, result: unknown): string | undefined {
  if (result === undefined) return "the rule is undefined for this input; give it a default";
  if (!isFacts(result)) return `the result is ${kindOf(result)}, not an object`;
  const { allow, reason, findings = [], obligations = {} } = result;
  if (typeof allow !== "boolean") return `\`allow\` is ${kindOf(allow)}, not a boolean`;
  if (typeof reason !== "string") return `\`reason\` is ${kindOf(reason)}, not a text`;
  if (!isAllowReason(reason) && !isDenyReason(reason))
    return `the reason \`${reason}\` is not in the vocabulary of docs/reasons.md`;
  if (allow !== isAllowReason(reason))
    return `the reason \`${reason}\` is one of ${allow ? "a denial" : "an allow"}, but allow is ${String(allow)}`;
  if (!Array.isArray(findings) || findings.some((code) => typeof code !== "string"))
    return "`findings` is not a list of codes";
  if (!isFacts(obligations)) return `\`obligations\` is ${kindOf(obligations)}, not an object`;
  for (const [name, value] of Object.entries(obligations)) {
    if (readVerdict({ allow, reason, obligations: { [name]: value } }) === undefined)
      return `the obligation \`${name}\` ${
        (obligationNames as readonly string[]).includes(name)
          ? `has a value of the wrong type (${kindOf(value)})`
          : "is unknown or has a value of the wrong type; docs/obligations.md lists them"
      }`;
  }
  if (readVerdict(result) === undefined) return "the result has not the shape of docs/policy-contract.md";
  if (entrypoint === "grants" && allow && readGrants(result) === undefined)
    return "`grants` is not a list of entries with action, effect, filter, max_qos, retain and reason";
  return undefined;
}

function kindOf(value: unknown): string {
  if (value === undefined) return "absent";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
