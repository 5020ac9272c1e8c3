/** Policy input, checked as JSON text: a topic in it is an attacker's. */
import { Fault } from "../runtime/fault.ts";

/** An escaped surrogate in the text of `JSON.stringify`, which escapes lone ones only. */
const escapedSurrogate = /(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]/;

/**
 * Refuses an input that OPA would misread: malformed JSON evaluates as no input at all, a lone
 * surrogate aborts (bare ones would be replaced silently, so that two ids could become one).
 * @throws Fault `input_invalid`
 */
export function checkInput(json: string, verify: boolean): void {
  if (!isWellFormed(json)) throw loneSurrogate();
  const suspect = json.includes("\\u") && holdsLoneSurrogate(json);
  if (!verify && !suspect) return;
  let broken: boolean;
  try {
    const value: unknown = JSON.parse(json);
    broken = suspect && holdsLoneSurrogate(JSON.stringify(value));
  } catch (error) {
    throw new Fault("input_invalid", "the policy input is not JSON", { cause: error });
  }
  if (broken) throw loneSurrogate();
}

/** Whether a text that `JSON.stringify` made holds half of a surrogate pair. */
export const holdsLoneSurrogate = (stringified: string): boolean => escapedSurrogate.test(stringified);

const loneSurrogate = (): Fault =>
  new Fault("input_invalid", "the policy input holds half of a surrogate pair, send well-formed unicode");

/** ES2024, in Node since 20; not yet in the library this project compiles against. */
const isWellFormed = (text: string): boolean => (text as string & { isWellFormed(): boolean }).isWellFormed();
