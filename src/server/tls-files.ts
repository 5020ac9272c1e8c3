/** Certificate and key of a listener, read again when the files change. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { Fault } from "../runtime/fault.ts";

/** Paths of PEM files. */
export interface TlsPaths {
  /** Certificate chain, leaf first. */
  readonly cert: string;
  readonly key: string;
  /** CAs of client certificates; makes those mandatory (mTLS). */
  readonly client_ca?: string;
}

/** What the files hold, checked: it can be put to use. */
export interface TlsContext {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
}

/** Published on `sallyport:server:tls-reloaded` when other certificates are in force. */
export interface TlsReloaded {
  /** Path of the certificate file. */
  readonly path: string;
  /** End of the new certificate, as OpenSSL writes it. */
  readonly validTo: string;
}

const reloaded = channel("sallyport:server:tls-reloaded");

/** How often the files are looked at, in milliseconds. */
const pollMs = 2000;

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (thrown) {
    throw new Fault("tls_invalid", `cannot read \`${path}\`: check that it is there and readable`, {
      cause: thrown,
    });
  }
}

/** The first certificate, once it is sure that OpenSSL will take all of it. */
function check(paths: TlsPaths, { cert, key, ca }: TlsContext): X509Certificate {
  const attempt = <T>(path: string, what: string, work: () => T): T => {
    try {
      return work();
    } catch (thrown) {
      throw new Fault("tls_invalid", `\`${path}\` is no ${what} in PEM`, { cause: thrown });
    }
  };
  const leaf = attempt(paths.cert, "certificate", () => new X509Certificate(cert));
  const privateKey = attempt(paths.key, "unencrypted private key", () => createPrivateKey(key));
  if (ca !== undefined) attempt(paths.client_ca ?? "", "CA certificate", () => new X509Certificate(ca));
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new Fault("tls_invalid", `\`${paths.key}\` is not the key of \`${paths.cert}\`: replace both`);
  }
  attempt(paths.cert, "usable certificate chain", () => createSecureContext({ cert, key, ca }));
  return leaf;
}

function same(left: TlsContext | undefined, right: TlsContext): boolean {
  return (
    left?.cert.equals(right.cert) === true &&
    left.key.equals(right.key) &&
    (left.ca === undefined ? right.ca === undefined : right.ca !== undefined && left.ca.equals(right.ca))
  );
}

/** Watched TLS files. What cannot be used changes nothing: what was in force stays. */
export class TlsFiles implements AsyncDisposable {
  readonly #paths: TlsPaths;
  readonly #onFault: (fault: Fault) => void;
  readonly #listeners = new Set<(context: TlsContext) => void>();
  #context: TlsContext | undefined;
  /** Contents that were seen and found wanting, and whether that was said. */
  #wanting: { readonly text: string; readonly said: boolean } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  private constructor(paths: TlsPaths, onFault: (fault: Fault) => void) {
    this.#paths = paths;
    this.#onFault = onFault;
  }

  /** Reads the files and watches them. Throws `tls_invalid`. */
  static async open(paths: TlsPaths, onFault: (fault: Fault) => void): Promise<TlsFiles> {
    const files = new TlsFiles(paths, onFault);
    await files.#take();
    const look = (): void => void files.#look(false);
    files.#timer = setInterval(look, pollMs).unref();
    return files;
  }

  /** What is in force. */
  get context(): TlsContext {
    if (this.#context === undefined) throw new Fault("tls_invalid", "the TLS files were not read yet");
    return this.#context;
  }

  /** Calls `listener` whenever something else is in force. Returns how to stop. */
  onChange(listener: (context: TlsContext) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks at the files now; tells `onFault` where they cannot be used. */
  async reload(): Promise<void> {
    await this.#looking;
    await this.#look(true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#listeners.clear();
    await this.#looking;
  }

  #look(atOnce: boolean): Promise<void> {
    this.#looking ??= this.#take()
      .then(() => {
        this.#wanting = undefined;
      })
      .catch((thrown: unknown) =>
        this.#report(Fault.from(thrown, "internal", "cannot read the TLS files"), atOnce),
      )
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  /** Files that are being replaced one after the other do not fit for a moment: a fault counts once it lasts. */
  #report(fault: Fault, atOnce: boolean): void {
    const before = this.#wanting?.text === fault.message ? this.#wanting : undefined;
    const say = atOnce || (before !== undefined && !before.said);
    this.#wanting = { text: fault.message, said: say || before?.said === true };
    if (say) this.#onFault(fault);
  }

  async #take(): Promise<void> {
    const { cert, key, client_ca } = this.#paths;
    const next: TlsContext = {
      cert: await read(cert),
      key: await read(key),
      ca: client_ca === undefined ? undefined : await read(client_ca),
    };
    if (same(this.#context, next)) return;
    const leaf = check(this.#paths, next);
    const first = this.#context === undefined;
    this.#context = next;
    if (first) return;
    for (const listener of this.#listeners) listener(next);
    if (reloaded.hasSubscribers) {
      reloaded.publish({ path: cert, validTo: leaf.validTo } satisfies TlsReloaded);
    }
  }
}
