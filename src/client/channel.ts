/** How a channel to a node is protected and kept. */
import { ChannelCredentials, type ChannelOptions } from "@grpc/grpc-js";
import { Fault } from "../runtime/fault.ts";

/** Where a node is and how to reach it. */
export interface ChannelParts {
  /** `host:port` or `unix:PATH`. */
  readonly address: string;
  /** PEM: roots that the service's certificate must lead to, and this peer's own certificate and key (mTLS). */
  readonly tls?: {
    readonly ca?: Uint8Array | string;
    readonly cert?: Uint8Array | string;
    readonly key?: Uint8Array | string;
    /** Name to expect in the service's certificate where it is not the host of `address`. */
    readonly serverName?: string;
  };
  /** Allows a plain connection to an address that is not on this machine. Evidence would travel in clear. */
  readonly insecure?: boolean;
}

const onThisMachine = /^(unix:|localhost:|127\.\d+\.\d+\.\d+:|\[::1\]:)/;

const channelOptions: ChannelOptions = {
  "grpc.use_local_subchannel_pool": 1,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 5_000,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 5_000,
};

/** Credentials of a channel. @throws Fault `config_invalid` or `tls_invalid`. */
export function credentialsFor(options: ChannelParts): ChannelCredentials {
  const { tls } = options;
  if (tls !== undefined) {
    const pem = (value: Uint8Array | string | undefined): Buffer | null =>
      value === undefined ? null : Buffer.from(value);
    try {
      return ChannelCredentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert));
    } catch (thrown) {
      throw Fault.from(thrown, "tls_invalid", "cannot use the client's certificate and key");
    }
  }
  if (options.insecure !== true && !onThisMachine.test(options.address)) {
    throw new Fault(
      "config_invalid",
      `\`${options.address}\` is not on this machine: give \`tls\`, or say \`insecure: true\` to send evidence in clear`,
    );
  }
  return ChannelCredentials.createInsecure();
}

/** Options of a channel. */
export function channelOptionsFor({ tls }: ChannelParts): ChannelOptions {
  return tls?.serverName === undefined
    ? channelOptions
    : { ...channelOptions, "grpc.ssl_target_name_override": tls.serverName };
}
