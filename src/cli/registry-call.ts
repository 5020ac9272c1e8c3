/** `sallyport.v1.RegistryService`, as far as the command line asks it. */
import type { DeviceRecord } from "../decision/facts.ts";
import {
  type GetDeviceResponse,
  type GetStatusResponse,
  type Provenance,
  RegistryServiceClient,
} from "../gen/sallyport/v1/registry.ts";
import { Fault } from "../runtime/fault.ts";
import type { ConnectionFlags } from "./connection.ts";
import { callService } from "./service-call.ts";

/** A device as the registry knows it. */
export interface KnownDevice {
  readonly id: string;
  /** Why the record is isolated; then there is no `record`. */
  readonly invalid?: string;
  /** Fields of a device record; those of another release may lack some. */
  readonly record?: Partial<DeviceRecord>;
  readonly revision: number;
  /** Time through which the facts are complete, unix seconds. */
  readonly watermark: number;
  /** Who said what of it: the owner of the record first. */
  readonly provenance: readonly Provenance[];
}

/** Says of a device that is not there what that means. */
function worded(fault: Fault, id: string): Fault {
  if (fault.code !== "not_found") return fault;
  return new Fault(fault.code, `there is no device \`${id}\` among those that this caller may see`, {
    cause: fault,
  });
}

/** Asks for one device. @throws Fault `not_found` where the service knows none by this id, others where it cannot be asked */
export async function getDevice(
  flags: ConnectionFlags,
  id: string,
  byFingerprint = false,
): Promise<KnownDevice> {
  try {
    const answer = await callService<RegistryServiceClient, GetDeviceResponse>(
      flags,
      RegistryServiceClient,
      (stub, ...call) =>
        stub.getDevice(byFingerprint ? { id: "", fingerprint: id } : { id, fingerprint: "" }, ...call),
    );
    const { record_json, invalid, provenance, revision, watermark } = answer;
    const record = record_json === "" ? undefined : parseRecord(record_json);
    return {
      id: record?.id ?? id,
      ...(invalid === "" ? {} : { invalid }),
      ...(record === undefined ? {} : { record }),
      revision,
      watermark,
      provenance,
    };
  } catch (thrown) {
    throw thrown instanceof Fault ? worded(thrown, id) : thrown;
  }
}

function parseRecord(text: string): Partial<DeviceRecord> {
  try {
    return JSON.parse(text) as Partial<DeviceRecord>;
  } catch (thrown) {
    throw Fault.from(thrown, "internal", "the service's record is no JSON");
  }
}

/** Lets a snapshot in that waits to be confirmed. Rejects with a fault in the service's words. */
export async function confirmDeletions(flags: ConnectionFlags, source: string): Promise<void> {
  await callService(flags, RegistryServiceClient, (stub, ...call) =>
    stub.confirmDeletions({ source }, ...call),
  );
}

/** Asks for the state of the registry. Rejects with a fault in the service's words. */
export function getStatus(flags: ConnectionFlags): Promise<GetStatusResponse> {
  return callService(flags, RegistryServiceClient, (stub, ...call) => stub.getStatus({}, ...call));
}
