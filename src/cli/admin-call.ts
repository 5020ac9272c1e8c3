/** `sallyport.v1.AdminService`, as far as the command line asks it. */
import {
  type Act,
  AdminServiceClient,
  type LiftRequest,
  type LiftResponse,
  type ListOverridesRequest,
  type ListOverridesResponse,
  type QuarantineRequest,
  type QuarantineResponse,
  type Receipt,
  type SetOverrideRequest,
  type SetOverrideResponse,
} from "../gen/sallyport/v1/admin.ts";
import { Fault } from "../runtime/fault.ts";
import type { ConnectionFlags } from "./connection.ts";
import { callService } from "./service-call.ts";

function actIn({ act }: { act?: Act | undefined }): Act {
  if (act === undefined) throw new Fault("internal", "the service's answer says nothing of the act");
  return act;
}

/** Quarantines one device. Rejects with a fault in the service's words, like the others. */
export async function quarantineDevice(
  flags: ConnectionFlags,
  request: QuarantineRequest,
): Promise<{ readonly act: Act; readonly receipt: Receipt | undefined }> {
  const answer: QuarantineResponse = await callService(flags, AdminServiceClient, (stub, ...call) =>
    stub.quarantine(request, ...call),
  );
  return { act: actIn(answer), receipt: answer.receipt };
}

/** Sets any override. */
export async function setOverride(
  flags: ConnectionFlags,
  request: SetOverrideRequest,
): Promise<{ readonly act: Act; readonly receipt: Receipt | undefined }> {
  const answer: SetOverrideResponse = await callService(flags, AdminServiceClient, (stub, ...call) =>
    stub.setOverride(request, ...call),
  );
  return { act: actIn(answer), receipt: answer.receipt };
}

/** Lifts overrides. */
export function liftOverrides(flags: ConnectionFlags, request: LiftRequest): Promise<LiftResponse> {
  return callService(flags, AdminServiceClient, (stub, ...call) => stub.lift(request, ...call));
}

/** Overrides in force. */
export function listOverrides(
  flags: ConnectionFlags,
  request: ListOverridesRequest,
): Promise<ListOverridesResponse> {
  return callService(flags, AdminServiceClient, (stub, ...call) => stub.listOverrides(request, ...call));
}
