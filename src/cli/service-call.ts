/** One call of one of the service's own gRPC services, with its errors in our words. */
import {
  ChannelCredentials,
  type Client,
  type ClientOptions,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { systemClock } from "../runtime/clock.ts";
import { Fault, type FaultCode, faultCodes } from "../runtime/fault.ts";
import { adviseOn, type ConnectionFlags, toConnectOptions } from "./connection.ts";

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

type Answer<T> = (error: ServiceError | null, answer: T) => void;
type StubOf<S> = new (address: string, credentials: ChannelCredentials, options: ClientOptions) => S;

/** Opens a stub at the address of the options. The caller closes it. Throws `tls_invalid`, `request_invalid`. */
export function openStub<S extends Client>(
  flags: ConnectionFlags,
  Stub: StubOf<S>,
): { readonly stub: S; readonly deadlineMs: number } {
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
    return { stub: new Stub(address, credentials, options), deadlineMs };
  } catch (thrown) {
    throw Fault.from(thrown, "tls_invalid", "cannot use `--tls-ca`, `--tls-cert` and `--tls-key`");
  }
}

/** A gRPC error in our words; the service says its own code in the metadata. */
export function toCallFault(error: ServiceError, flags: ConnectionFlags): Fault {
  const told = String(error.metadata?.get("sallyport-code")[0] ?? "");
  const code = told in faultCodes ? (told as FaultCode) : (codes.get(error.code) ?? "internal");
  return adviseOn(new Fault(code, error.details || `gRPC status ${error.code}`, { cause: error }), flags);
}

/** Makes one unary call. Rejects with a fault in the service's words. */
export async function callService<S extends Client, T>(
  flags: ConnectionFlags,
  Stub: StubOf<S>,
  call: (stub: S, metadata: Metadata, options: { deadline: number }, answer: Answer<T>) => void,
): Promise<T> {
  const { stub, deadlineMs } = openStub(flags, Stub);
  try {
    return await new Promise<T>((resolve, reject) => {
      const deadline = systemClock.wallMs() + deadlineMs;
      call(stub, new Metadata(), { deadline }, (error, found) => {
        if (error === null) resolve(found);
        else reject(toCallFault(error, flags));
      });
    });
  } finally {
    stub.close();
  }
}
