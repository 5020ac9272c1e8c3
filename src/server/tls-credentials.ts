/** grpc-js credentials that follow watched TLS files: new connections get what is in force, old ones go on. */

import type { SecureContextOptions } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import type { TlsContext, TlsFiles } from "./tls-files.ts";

/** Oldest TLS spoken. */
export const minVersion = "TLSv1.2";

/** Options of a TLS server with these files. */
export function secureOptions({ cert, key, ca }: TlsContext): SecureContextOptions {
  return { cert, key, minVersion, ...(ca === undefined ? {} : { ca }) };
}

/** Whether clients must show a certificate: only where there are CAs to verify it with. */
export function clientOptions({ ca }: TlsContext): { requestCert: boolean; rejectUnauthorized: boolean } {
  return { requestCert: ca !== undefined, rejectUnauthorized: ca !== undefined };
}

/** Credentials of one listener. */
export class TlsCredentials extends ServerCredentials {
  readonly #stop: () => void;

  constructor(files: TlsFiles) {
    super(clientOptions(files.context), secureOptions(files.context));
    this.#stop = files.onChange((context) => this.updateSecureContextOptions(secureOptions(context)));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }

  /** Follows the files no longer. */
  close(): void {
    this.#stop();
  }
}
