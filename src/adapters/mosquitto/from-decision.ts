/** Answers as mosquitto-go-auth reads them. */

/** The answer. */
export function toAnswer(ok: boolean): { readonly ok: boolean } {
  return { ok };
}
