import { Fault } from "../runtime/fault.ts";

/**
 * The value of an option that must be given. Checked by the command and not while options are parsed, so that
 * a misspelt option is reported as that.
 * @throws Fault `request_invalid`
 */
export function mandatory<T>(option: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new Fault("request_invalid", `\`${option}\` is missing: it says what the question is about`);
}
