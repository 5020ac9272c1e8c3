/** The one map from faults to gRPC and HTTP status. Only the text of a fault reaches a caller. */
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { Fault, type FaultCode } from "../runtime/fault.ts";

interface Pair {
  readonly grpc: status;
  readonly http: number;
}

/** Status of each fault, as `docs/errors.md` lists it. */
export const statusOf: Readonly<Record<FaultCode, Pair>> = {
  config_invalid: { grpc: status.INTERNAL, http: 500 },
  bundle_invalid: { grpc: status.INTERNAL, http: 500 },
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
  not_ready: { grpc: status.UNAVAILABLE, http: 503 },
  unreachable: { grpc: status.UNAVAILABLE, http: 503 },
  deadline_exceeded: { grpc: status.DEADLINE_EXCEEDED, http: 504 },
  tls_invalid: { grpc: status.INTERNAL, http: 500 },
  address_unusable: { grpc: status.INTERNAL, http: 500 },
  internal: { grpc: status.INTERNAL, http: 500 },
};

/** Milliseconds after which a caller may try again when the service is overloaded. */
const pushbackMs = "1000";

/** The fault that a caller may see: any foreign throw becomes a text that says nothing of the inside. */
export function visibleFault(thrown: unknown): Fault {
  return thrown instanceof Fault
    ? thrown
    : new Fault("internal", "the service failed to handle the call", { cause: thrown });
}

/** A gRPC error of what was thrown. Its metadata says whether the call may be tried again, and when. */
export function toServiceError(thrown: unknown): ServiceError {
  const fault = visibleFault(thrown);
  const metadata = new Metadata();
  metadata.set("sallyport-code", fault.code);
  metadata.set("sallyport-retryable", String(fault.retryable));
  if (fault.code === "overloaded") metadata.set("grpc-retry-pushback-ms", pushbackMs);
  const { grpc } = statusOf[fault.code];
  return Object.assign(new Error(fault.message), { code: grpc, details: fault.message, metadata });
}
