/** Bundles from a server of OPA's bundle API: ETags, long polling, back-off. */
import { createHash } from "node:crypto";
import { Fault } from "../runtime/fault.ts";
import { type BundleLimits, defaultBundleLimits } from "./bundle.ts";
import { type ClientTls, httpGet, type Reply } from "./http-get.ts";
import { type Letters, noLetters, readLetters } from "./letters.ts";
import type { Offer } from "./offer.ts";
import { readBundle } from "./read-bundle.ts";

/** Where bundles come from and who wants to know. */
export interface BundleHttpOptions {
  readonly url: URL;
  /** Pause between two looks, and longest pause while the server fails, milliseconds. */
  readonly pollMs: number;
  readonly backoffMs: number;
  /** How long the server is asked to hold a question that has no news, seconds; 0: not at all. */
  readonly longPollS: number;
  /** Longest wait for an answer beyond that, milliseconds. */
  readonly timeoutMs: number;
  readonly limits?: Partial<BundleLimits>;
  /** Credentials, read for each question so that they may be renewed. */
  credentials(): Promise<{ readonly token?: string | undefined; readonly tls?: ClientTls | undefined }>;
  /** The bundle in force, with the version that the server gave it. */
  active(): { readonly digest: string; readonly etag?: string | undefined } | undefined;
  /** Called with each bundle that is new, or has new letters, one at a time; what it throws goes to `onFault`. */
  onOffer(offer: Offer): void | Promise<void>;
  /** Called once for each fault that is not the one before. Must not throw. */
  onFault(fault: Fault): void;
  /** Evenly spread in [0, 1). */
  readonly random: () => number;
}

const maxLettersBytes = 1_048_576;

/** HTTP source of bundles. Asks until it is disposed of. */
export class BundleHttp implements AsyncDisposable {
  readonly #options: BundleHttpOptions;
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #failures = 0;
  #complaint = "";
  /** What was offered last, whatever became of it. */
  #offered = { digest: "", letters: "", etag: "" };

  constructor(options: BundleHttpOptions) {
    this.#options = options;
  }

  /** Asks from now on. */
  start(): void {
    this.#loop = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let held = false;
      try {
        held = await this.#ask();
        this.#failures = 0;
        this.#complaint = "";
      } catch (thrown) {
        if (signal.aborted) return;
        this.#failures += 1;
        this.#complain(Fault.from(thrown, "bundle_unreachable", "the bundle server cannot be asked"));
      }
      // A server that holds questions paces us; any other is asked again after a pause.
      if (!held) await pause(this.#pauseMs(), signal);
    }
  }

  /** Full jitter, so that many nodes do not come back at once. */
  #pauseMs(): number {
    const { pollMs, backoffMs, random } = this.#options;
    if (this.#failures === 0) return pollMs * (0.75 + random() / 2);
    return Math.max(pollMs / 4, random() * Math.min(backoffMs, pollMs * 2 ** this.#failures));
  }

  #complain(fault: Fault): void {
    if (fault.message === this.#complaint) return;
    this.#complaint = fault.message;
    this.#options.onFault(fault);
  }

  /** Version of the bundle in force. One that was refused, or waits, is none: it will be asked for again. */
  #etag(): string {
    const active = this.#options.active();
    if (active === undefined) return "";
    return active.digest === this.#offered.digest ? this.#offered.etag : (active.etag ?? "");
  }

  /** One question; whether the server held it. */
  async #ask(): Promise<boolean> {
    const { url, longPollS, timeoutMs } = this.#options;
    const limits = { ...defaultBundleLimits, ...this.#options.limits };
    const etag = this.#etag();
    // Delta bundles are not asked for: a patch has no signature over what comes out of it.
    const prefer = longPollS > 0 && etag !== "" ? `modes=snapshot;wait=${longPollS}` : "modes=snapshot";
    const headers = { prefer, ...(etag === "" ? {} : { "if-none-match": etag }) };
    const reply = await this.#get(url, headers, longPollS * 1000 + timeoutMs, limits.maxArchiveBytes);
    const holds = reply.headers["content-type"]?.includes("application/vnd.openpolicyagent.bundles") === true;
    if (reply.status === 304) {
      if (etag === "") throw wrong("says that nothing has changed, although nothing is in force");
      return holds && longPollS > 0;
    }
    if (reply.status === 404)
      throw new Fault("bundle_missing", `the bundle server has no bundle at \`${url.pathname}\``);
    if (reply.status !== 200) throw wrong(`answers with HTTP status ${reply.status}`);
    await this.#take(reply.body, reply.headers.etag ?? "");
    return false;
  }

  async #take(archive: Buffer, etag: string): Promise<void> {
    const { url, limits } = this.#options;
    const digest = createHash("sha256").update(archive).digest("hex");
    const letters = await this.#letters();
    const before = this.#offered;
    this.#offered = { digest, letters, etag };
    if (digest === before.digest && letters === before.letters) return;
    const bundle = await readBundle(archive, limits);
    const read: Letters = letters === "" ? noLetters : readLetters(letters);
    await this.#options.onOffer({
      bundle,
      archive,
      letters: read,
      from: url.href,
      ...(etag === "" ? {} : { etag }),
    });
  }

  /** The letters beside the bundle; empty: there are none. */
  async #letters(): Promise<string> {
    const beside = new URL(this.#options.url);
    beside.pathname += ".letters.json";
    const { status, body } = await this.#get(beside, {}, this.#options.timeoutMs, maxLettersBytes);
    return status === 200 ? body.toString("utf8") : "";
  }

  async #get(
    url: URL,
    headers: Readonly<Record<string, string>>,
    headMs: number,
    maxBytes: number,
  ): Promise<Reply> {
    const { token, tls } = await this.#options.credentials();
    return httpGet(url, {
      headers: token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` },
      tls,
      headMs,
      bodyMs: this.#options.timeoutMs,
      maxBytes,
      signal: this.#stop.signal,
    });
  }
}

const wrong = (message: string): Fault => new Fault("bundle_unreachable", `the bundle server ${message}`);

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    timer.unref();
    signal.addEventListener("abort", done);
  });
}
