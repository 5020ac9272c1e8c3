/** Where the service is: options shared by every command that asks it. */
import { type Command, Option } from "commander";
import type { ConnectOptions } from "../client/client.ts";
import { Fault } from "../runtime/fault.ts";
import { readFileOf } from "./read-argument.ts";

/** What the options hold. */
export interface ConnectionFlags {
  readonly address: string;
  readonly tls?: true;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
  readonly insecure?: true;
  /** Seconds. */
  readonly timeout: string;
}

/** Variables that these options read; they are no options of the service. */
export const connectionVariables: readonly string[] = [
  "SALLYPORT_ADDRESS",
  "SALLYPORT_TLS_CA",
  "SALLYPORT_TLS_CERT",
  "SALLYPORT_TLS_KEY",
];

const onThisMachine = /^(unix:|localhost:|127\.\d+\.\d+\.\d+:|\[::1\]:)/;

/** Adds the options to `command`. */
export function withConnection(command: Command): Command {
  return command
    .optionsGroup("Connection:")
    .addOption(
      new Option("--address <host:port>", "where the service listens for gRPC")
        .default("127.0.0.1:7600")
        .env("SALLYPORT_ADDRESS"),
    )
    .addOption(
      new Option("--tls-ca <file>", "PEM roots that the service's certificate leads to").env(
        "SALLYPORT_TLS_CA",
      ),
    )
    .addOption(
      new Option("--tls-cert <file>", "PEM certificate of this caller (mTLS)").env("SALLYPORT_TLS_CERT"),
    )
    .addOption(new Option("--tls-key <file>", "PEM key of that certificate").env("SALLYPORT_TLS_KEY"))
    .option("--tls-server-name <name>", "name in the service's certificate, where it is not the host")
    .option("--tls", "use TLS with the roots that Node knows")
    .option("--insecure", "no TLS although the service is on another machine; proofs travel in clear")
    .option("--timeout <seconds>", "longest wait for an answer", "5");
}

/** The options as the client library wants them. @throws Fault `request_invalid` */
export function toConnectOptions(flags: ConnectionFlags): ConnectOptions & { readonly deadlineMs: number } {
  const seconds = Number(flags.timeout);
  if (!(seconds > 0 && seconds <= 3600)) {
    throw new Fault("request_invalid", `\`--timeout\` is \`${flags.timeout}\`: give seconds, at most 3600`);
  }
  if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined)) {
    throw new Fault("request_invalid", "give `--tls-cert` and `--tls-key` together");
  }
  const { tlsCa, tlsCert, tlsKey, tlsServerName } = flags;
  const wanted = flags.tls ?? tlsCa ?? tlsCert ?? tlsServerName;
  if (wanted !== undefined && flags.insecure === true) {
    throw new Fault("request_invalid", "`--insecure` means no TLS: drop it, or the `--tls` options");
  }
  if (wanted === undefined && flags.insecure !== true && !onThisMachine.test(flags.address)) {
    throw new Fault(
      "request_invalid",
      `\`${flags.address}\` is not on this machine: give \`--tls-ca\`, or \`--insecure\` to send proofs in clear`,
    );
  }
  return {
    address: flags.address,
    deadlineMs: seconds * 1000,
    ...(flags.insecure === true ? { insecure: true } : {}),
    ...(wanted === undefined
      ? {}
      : {
          tls: {
            ...(tlsCa === undefined ? {} : { ca: readFileOf("--tls-ca", tlsCa) }),
            ...(tlsCert === undefined ? {} : { cert: readFileOf("--tls-cert", tlsCert) }),
            ...(tlsKey === undefined ? {} : { key: readFileOf("--tls-key", tlsKey) }),
            ...(tlsServerName === undefined ? {} : { serverName: tlsServerName }),
          },
        }),
  };
}

/** `fault` with what a person can do about it where the connection itself failed. */
export function adviseOn(fault: Fault, flags: ConnectionFlags): Fault {
  const advice: Partial<Record<Fault["code"], string>> = {
    unreachable: `cannot reach the service at \`${flags.address}\`: start it with \`sallyport serve\`, or give another \`--address\`; a TLS listener needs \`--tls-ca\``,
    deadline_exceeded: `no answer from \`${flags.address}\` within ${flags.timeout} s: see its \`/readyz\`, or give a longer \`--timeout\``,
  };
  const text = advice[fault.code];
  return text === undefined
    ? fault
    : new Fault(fault.code, `${text} (${fault.message.replace(/\.? ?Resolution note: ?$/, "")})`, {
        cause: fault,
      });
}
