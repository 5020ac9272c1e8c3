import type { HttpResponse, HttpRoute } from "../runtime/ports.ts";

/** Something that the service needs before it can answer. */
export interface Requirement {
  /** Such as `bundle` or `registry`. */
  readonly name: string;
  /** `undefined` when it is there; else why not, in words that anyone may read. */
  missing(): string | undefined;
}

function answer(status: number, body: object): HttpResponse {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" },
    body: `${JSON.stringify(body)}\n`,
  };
}

/** What is not there yet; empty: ready. */
export function missingOf(requirements: readonly Requirement[]): { name: string; why: string }[] {
  return requirements.flatMap((requirement) => {
    let why: string | undefined;
    try {
      why = requirement.missing();
    } catch {
      why = "its state cannot be read";
    }
    return why === undefined ? [] : [{ name: requirement.name, why }];
  });
}

/**
 * `GET /healthz` (the process answers) and `GET /readyz` (it can decide: 200, or 503 with what is missing).
 * Open to anyone who reaches the listener.
 */
export function healthRoutes(requirements: readonly Requirement[]): readonly HttpRoute[] {
  const route = (path: string, handle: () => HttpResponse): HttpRoute => ({
    method: "GET",
    path,
    open: true,
    handle,
  });
  return [
    route("/healthz", () => answer(200, { status: "live" })),
    route("/readyz", () => {
      const missing = missingOf(requirements);
      return missing.length === 0
        ? answer(200, { status: "ready" })
        : answer(503, { status: "not_ready", missing });
    }),
  ];
}
