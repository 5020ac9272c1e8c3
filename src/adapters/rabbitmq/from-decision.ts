/** Answers as RabbitMQ reads them: always status 200, `allow` or `deny` and nothing else (3.10 knows no reasons). */
import type { HttpResponse } from "../../runtime/ports.ts";

/** The answer. */
export function toAnswer(allow: boolean): HttpResponse {
  return { status: 200, headers: { "content-type": "text/plain" }, body: allow ? "allow" : "deny" };
}
