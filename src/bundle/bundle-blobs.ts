/** Bundles from an object store, such as NATS JetStream's: told of each new version, and looked at now and then. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../runtime/fault.ts";
import type { Blobs } from "../runtime/ports.ts";
import { type BundleLimits, defaultBundleLimits } from "./bundle.ts";
import { type Letters, noLetters, readLetters } from "./letters.ts";
import type { Offer } from "./offer.ts";
import { readBundle } from "./read-bundle.ts";

/** An open object store. */
export interface OpenBlobs extends AsyncDisposable {
  readonly blobs: Blobs;
}

/** Where bundles come from and who wants to know. */
export interface BundleBlobsOptions {
  /** Name of the bundle in the store; letters are `<name>.letters.json`. */
  readonly name: string;
  /** For people: where that is. */
  readonly from: string;
  /** Pause between two looks, and longest pause while the store fails, milliseconds. */
  readonly pollMs: number;
  readonly backoffMs: number;
  readonly limits?: Partial<BundleLimits>;
  /** Opens the store; called again after a failure. Rejects with a fault. */
  open(): Promise<OpenBlobs>;
  /** Called with each bundle that is new, or has new letters, one at a time; what it throws goes to `onFault`. */
  onOffer(offer: Offer): void | Promise<void>;
  /** Called once for each fault that is not the one before. Must not throw. */
  onFault(fault: Fault): void;
  /** Evenly spread in [0, 1). */
  readonly random: () => number;
}

const maxLettersBytes = 1_048_576;

/** Object-store source of bundles. Looks until it is disposed of. */
export class BundleBlobs implements AsyncDisposable {
  readonly #options: BundleBlobsOptions;
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};
  /** Whether something was written since the last look began: a look may have missed it. */
  #news = false;
  #failures = 0;
  #complaint = "";
  #offered = { digest: "", letters: "" };

  constructor(options: BundleBlobsOptions) {
    this.#options = options;
  }

  /** Looks from now on. */
  start(): void {
    this.#loop = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await using store = await this.#options.open();
        const watch = new AbortController();
        const watching = this.#watch(store.blobs, AbortSignal.any([signal, watch.signal]));
        try {
          while (!signal.aborted) {
            this.#news = false;
            await this.#look(store.blobs);
            this.#failures = 0;
            await this.#pause(this.#options.pollMs);
          }
        } finally {
          watch.abort();
          await watching;
        }
      } catch (thrown) {
        if (signal.aborted) return;
        this.#failures += 1;
        this.#complain(Fault.from(thrown, "bundle_unreachable", "the object store cannot be asked"));
        this.#news = false;
        await this.#pause(this.#backoffMs());
      }
    }
  }

  #backoffMs(): number {
    const { pollMs, backoffMs, random } = this.#options;
    return Math.max(pollMs / 4, random() * Math.min(backoffMs, pollMs * 2 ** this.#failures));
  }

  /** A watch that fails leaves the polling. */
  async #watch(blobs: Blobs, signal: AbortSignal): Promise<void> {
    try {
      for await (const news of blobs.watch(signal)) {
        if (news === "caught_up" || !news.name.startsWith(this.#options.name)) continue;
        this.#news = true;
        this.#wake();
      }
    } catch {
      // polling finds what it would have said
    }
  }

  async #pause(ms: number): Promise<void> {
    if (this.#news) return;
    const { signal } = this.#stop;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      await sleep(ms, undefined, { signal: AbortSignal.any([signal, woken.signal]), ref: false });
    } catch {
      // there is news, or an end
    }
  }

  async #look(blobs: Blobs): Promise<void> {
    const { name, from, limits } = this.#options;
    const max = { ...defaultBundleLimits, ...limits }.maxArchiveBytes;
    const { signal } = this.#stop;
    const found = await blobs.get(name, max, signal);
    if (found === undefined) {
      this.#complain(new Fault("bundle_missing", `there is no bundle \`${name}\` in ${from}`));
      return;
    }
    const archive = found.content;
    const text = await blobs.get(`${name}.letters.json`, maxLettersBytes, signal);
    const letters = text === undefined ? "" : Buffer.from(text.content).toString("utf8");
    const digest = createHash("sha256").update(archive).digest("hex");
    const before = this.#offered;
    this.#offered = { digest, letters };
    if (digest === before.digest && letters === before.letters) return;
    try {
      const read: Letters = letters === "" ? noLetters : readLetters(letters);
      await this.#options.onOffer({
        bundle: await readBundle(archive, limits),
        archive,
        letters: read,
        from: `${from}/${name}`,
      });
      this.#complaint = "";
    } catch (thrown) {
      this.#complain(Fault.from(thrown, "bundle_invalid", "the bundle cannot be put to use"));
    }
  }

  #complain(fault: Fault): void {
    if (fault.message === this.#complaint) return;
    this.#complaint = fault.message;
    this.#options.onFault(fault);
  }
}
