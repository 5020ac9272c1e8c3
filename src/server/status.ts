/** How faults are told to callers: one table, one place where a throw becomes a status. */
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { Fault, type FaultCode } from "../runtime/fault.ts";
import type { HttpResponse } from "../runtime/ports.ts";

/** Status of each fault on gRPC and HTTP. `docs/errors.md` lists the same. */
export const statusOf: Readonly<Record<FaultCode, { readonly grpc: status; readonly http: number }>> = {
  config_invalid: { grpc: status.INTERNAL, http: 500 },
  bundle_invalid: { grpc: status.INTERNAL, http: 500 },
  bundle_untrusted: { grpc: status.INTERNAL, http: 500 },
  bundle_outdated: { grpc: status.FAILED_PRECONDITION, http: 409 },
  bundle_unfit: { grpc: status.FAILED_PRECONDITION, http: 409 },
  bundle_unreachable: { grpc: status.UNAVAILABLE, http: 503 },
  bundle_unkept: { grpc: status.UNAVAILABLE, http: 503 },
  keyset_invalid: { grpc: status.INTERNAL, http: 500 },
  bundle_missing: { grpc: status.UNAVAILABLE, http: 503 },
  policy_trap: { grpc: status.INTERNAL, http: 500 },
  input_invalid: { grpc: status.INVALID_ARGUMENT, http: 400 },
  record_invalid: { grpc: status.INVALID_ARGUMENT, http: 400 },
  source_unavailable: { grpc: status.UNAVAILABLE, http: 503 },
  snapshot_refused: { grpc: status.FAILED_PRECONDITION, http: 409 },
  store_unavailable: { grpc: status.UNAVAILABLE, http: 503 },
  proof_invalid: { grpc: status.UNAUTHENTICATED, http: 401 },
  peer_unknown: { grpc: status.UNAUTHENTICATED, http: 401 },
  peer_forbidden: { grpc: status.PERMISSION_DENIED, http: 403 },
  request_invalid: { grpc: status.INVALID_ARGUMENT, http: 400 },
  limit_exceeded: { grpc: status.RESOURCE_EXHAUSTED, http: 413 },
  overloaded: { grpc: status.RESOURCE_EXHAUSTED, http: 429 },
  not_found: { grpc: status.NOT_FOUND, http: 404 },
  evidence_required: { grpc: status.FAILED_PRECONDITION, http: 409 },
  not_ready: { grpc: status.UNAVAILABLE, http: 503 },
  unreachable: { grpc: status.UNAVAILABLE, http: 503 },
  deadline_exceeded: { grpc: status.DEADLINE_EXCEEDED, http: 504 },
  tls_invalid: { grpc: status.INTERNAL, http: 500 },
  address_unusable: { grpc: status.INTERNAL, http: 500 },
  policy_invalid: { grpc: status.INTERNAL, http: 500 },
  tool_missing: { grpc: status.INTERNAL, http: 500 },
  internal: { grpc: status.INTERNAL, http: 500 },
};

/** Longest text told, in UTF-16 units: it travels in a header. */
const maxText = 1000;
/** Shortest pause that an overloaded service asks for, in milliseconds; up to as much again is added by chance. */
const pauseMs = 500;

interface Told {
  readonly code: FaultCode;
  readonly text: string;
  readonly retryable: boolean;
}

/** What a caller may know: the text of a fault; of anything else, only that it happened. */
function tell(thrown: unknown): Told {
  const fault = thrown instanceof Fault ? thrown : new Fault("internal", "the service failed; see its log");
  return {
    code: fault.code,
    text: fault.message.slice(0, maxText).toWellFormed(),
    retryable: fault.retryable,
  };
}

function pause(): number {
  return pauseMs + Math.floor(Math.random() * pauseMs);
}

/**
 * A throw as a gRPC status: its metadata says `sallyport-code` and `sallyport-retryable`, and under load
 * `grpc-retry-pushback-ms` (gRPC retry design, A6).
 */
export function toGrpcStatus(thrown: unknown): StatusObject {
  const { code, text, retryable } = tell(thrown);
  const metadata = new Metadata();
  metadata.set("sallyport-code", code);
  metadata.set("sallyport-retryable", String(retryable));
  if (code === "overloaded") metadata.set("grpc-retry-pushback-ms", String(pause()));
  return { code: statusOf[code].grpc, details: text, metadata };
}

/** A throw as an HTTP answer: JSON `{"error": {"code", "message", "retryable"}}`. */
export function toHttpResponse(thrown: unknown): HttpResponse {
  const { code, text, retryable } = tell(thrown);
  return {
    status: statusOf[code].http,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      ...(code === "overloaded" ? { "retry-after": String(Math.ceil(pause() / 1000)) } : {}),
    },
    body: `${JSON.stringify({ error: { code, message: text, retryable } })}\n`,
  };
}
