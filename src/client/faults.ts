/** gRPC statuses as faults and as reasons of a denial. */
import { status } from "@grpc/grpc-js";
import type { DenyReason } from "../decision/reasons.ts";
import { Fault, type FaultCode } from "../runtime/fault.ts";

const codes: ReadonlyMap<number, FaultCode> = new Map<number, FaultCode>([
  [status.INVALID_ARGUMENT, "request_invalid"],
  [status.DEADLINE_EXCEEDED, "deadline_exceeded"],
  [status.NOT_FOUND, "not_found"],
  [status.PERMISSION_DENIED, "peer_forbidden"],
  [status.UNAUTHENTICATED, "peer_unknown"],
  [status.RESOURCE_EXHAUSTED, "overloaded"],
  [status.FAILED_PRECONDITION, "not_ready"],
  [status.UNAVAILABLE, "unreachable"],
  [status.CANCELLED, "unreachable"],
]);

/** The fault behind a failed call. */
export function toFault(thrown: unknown, doing: string): Fault {
  const code = (thrown as { code?: unknown } | null)?.code;
  const details = (thrown as { details?: unknown } | null)?.details;
  if (typeof code !== "number") return Fault.from(thrown, "internal", doing);
  // grpc-js ends some texts with an empty note.
  const text = typeof details === "string" ? details.replace(/\s*Resolution note:\s*$/, "") : "";
  const said = text === "" ? `gRPC status ${code}` : text;
  return new Fault(codes.get(code) ?? "internal", `${doing}: ${said}`, { cause: thrown });
}

/** The denial that stands for a failed call. */
export function reasonOf(fault: Fault): DenyReason {
  if (fault.code === "request_invalid") return "bad_request";
  if (fault.code === "overloaded") return "rate_limited";
  return "internal_error";
}
