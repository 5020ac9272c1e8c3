/** Answers as VerneMQ reads them: status 200 always, the time to live beside an allow. */
import type { HttpResponse } from "../../runtime/ports.ts";
import type { HookTopic } from "./to-query.ts";

const json = { "content-type": "application/json" };

/** A denial; VerneMQ never remembers one. */
export const refused: HttpResponse = {
  status: 200,
  headers: json,
  body: JSON.stringify({ result: { error: "not_allowed" } }),
};

/** An allow that may be used for `maxAgeS`; 0: it carries no time to live and is asked again. */
export function allowed(
  maxAgeS: number,
  topics?: readonly (HookTopic | { topic: string; qos: 128 })[],
): HttpResponse {
  const kept = maxAgeS > 0 ? { ...json, "cache-control": `max-age=${Math.floor(maxAgeS)}` } : json;
  const more = topics === undefined ? {} : { topics, modifiers: { topics } };
  return { status: 200, headers: kept, body: JSON.stringify({ result: "ok", ...more }) };
}
