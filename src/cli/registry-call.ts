/** `sallyport.v1.RegistryService`, as far as the command line asks it. */
import { ChannelCredentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { DeviceRecord } from "../decision/facts.ts";
import { type GetDeviceResponse, RegistryServiceClient } from "../gen/sallyport/v1/registry.ts";
import { systemClock } from "../runtime/clock.ts";
import { Fault, type FaultCode } from "../runtime/fault.ts";
import { adviseOn, type ConnectionFlags, toConnectOptions } from "./connection.ts";

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
}

const codes: ReadonlyMap<number, FaultCode> = new Map<number, FaultCode>([
  [status.NOT_FOUND, "not_found"],
  [status.UNAVAILABLE, "unreachable"],
  [status.DEADLINE_EXCEEDED, "deadline_exceeded"],
  [status.INVALID_ARGUMENT, "request_invalid"],
  [status.PERMISSION_DENIED, "peer_forbidden"],
  [status.UNAUTHENTICATED, "peer_unknown"],
  [status.RESOURCE_EXHAUSTED, "overloaded"],
  [status.FAILED_PRECONDITION, "not_ready"],
]);

function open(flags: ConnectionFlags): { stub: RegistryServiceClient; deadlineMs: number } {
  const { address, tls, deadlineMs } = toConnectOptions(flags);
  const pem = (value: Uint8Array | string | undefined): Buffer | null =>
    value === undefined ? null : Buffer.from(value);
  try {
    const credentials =
      tls === undefined
        ? ChannelCredentials.createInsecure()
        : ChannelCredentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert));
    const name = tls?.serverName;
    const options = name === undefined ? {} : { "grpc.ssl_target_name_override": name };
    return { stub: new RegistryServiceClient(address, credentials, options), deadlineMs };
  } catch (thrown) {
    throw Fault.from(thrown, "tls_invalid", "cannot use `--tls-ca`, `--tls-cert` and `--tls-key`");
  }
}

function toFault(error: ServiceError, id: string, flags: ConnectionFlags): Fault {
  const code = codes.get(error.code) ?? "internal";
  if (code === "not_found") {
    const message = `there is no device \`${id}\` among those that this caller may see`;
    return new Fault(code, message, { cause: error });
  }
  return adviseOn(new Fault(code, error.details || `gRPC status ${error.code}`, { cause: error }), flags);
}

/** Asks for one device. @throws Fault `not_found` where the service knows none by this id, others where it cannot be asked */
export async function getDevice(flags: ConnectionFlags, id: string): Promise<KnownDevice> {
  const { stub, deadlineMs } = open(flags);
  try {
    const answer = await new Promise<GetDeviceResponse>((resolve, reject) => {
      const deadline = systemClock.wallMs() + deadlineMs;
      stub.getDevice({ id }, new Metadata(), { deadline }, (error, found) => {
        if (error === null) resolve(found);
        else reject(toFault(error, id, flags));
      });
    });
    const { record_json, invalid, revision, watermark } = answer;
    return {
      id,
      ...(invalid === "" ? {} : { invalid }),
      ...(record_json === "" ? {} : { record: parseRecord(record_json) }),
      revision,
      watermark,
    };
  } finally {
    stub.close();
  }
}

function parseRecord(text: string): Partial<DeviceRecord> {
  try {
    return JSON.parse(text) as Partial<DeviceRecord>;
  } catch (thrown) {
    throw Fault.from(thrown, "internal", "the service's record is no JSON");
  }
}
