/** Every bundle's way into force, in named steps. A failure at any of them leaves the active bundle in force. */
import { channel } from "node:diagnostics_channel";
import { AbortedBundles } from "../bundle/aborted-bundles.ts";
import type { Candidate, CandidateState } from "../bundle/candidate.ts";
import type { Good } from "../bundle/good-store.ts";
import type { PermittedRollback } from "../bundle/letters.ts";
import type { Offer } from "../bundle/offer.ts";
import { isProved, type Proof, proveBundle } from "../bundle/prove.ts";
import { readBundle } from "../bundle/read-bundle.ts";
import { Alarm } from "../runtime/alarm.ts";
import { Fault } from "../runtime/fault.ts";
import { type Loaded, loadBundle } from "./activation.ts";
import { type Activated, type ActiveBundle, activatedOf, waitingText } from "./bundle-news.ts";
import { candidateIn } from "./candidate-in.ts";
import { checkSequence } from "./check-sequence.ts";
import { goodOf, KeepGood } from "./keep-good.ts";
import type { PipelineParts } from "./pipeline-parts.ts";
import { ShadowStage } from "./shadow-stage.ts";

const activated = channel("sallyport:bundle:activated");
const refused = channel("sallyport:bundle:refused");
const stepped = channel("sallyport:bundle:step");
const expired = channel("sallyport:bundle:expired");

interface Ready {
  readonly offer: Offer;
  readonly proof: Proof;
  readonly rollback: PermittedRollback | undefined;
}

/** Takes bundles from sources, one after the other. */
export class BundlePipeline implements Disposable {
  readonly #parts: PipelineParts;
  #candidate: Candidate | undefined;
  #active: ActiveBundle | undefined;
  #fault: Fault | undefined;
  /** Highest sequence that was ever in force; going below takes a rollback. */
  #floor = -1;
  #refusals = 0;
  readonly #shadow: ShadowStage<Ready> | undefined;
  readonly #aborted: AbortedBundles;
  #work: Promise<void> = Promise.resolve();
  readonly #kept: KeepGood;
  readonly #expiry = new Alarm(() => this.#sayExpired());

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#aborted = parts.aborted ?? new AbortedBundles();
    if (parts.shadow !== undefined) this.#shadow = new ShadowStage(parts.shadow, parts.clock.monotonicMs);
    this.#kept = new KeepGood(parts.store, parts.keepAgainMs ?? 30_000);
  }

  /** The bundle that was offered last, and where it stands. */
  get candidate(): Candidate | undefined {
    const [candidate, shadow] = [this.#candidate, this.#shadow?.report];
    return candidate === undefined || shadow === undefined ? candidate : { ...candidate, shadow };
  }

  /** The bundle in force. */
  get active(): ActiveBundle | undefined {
    return this.#active;
  }

  /** Why the last bundle offered is not in force; absent: it is, or waits. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** Why the bundle in force would not be there after a restart; absent: it would, or none is to be kept. */
  get keepFault(): Fault | undefined {
    return this.#kept.fault;
  }

  /** Highest sequence that was ever in force; -1: none. */
  get floor(): number {
    return this.#floor;
  }

  /** Whether the bundle in force should have been replaced by now. */
  get expired(): boolean {
    const { expiresAt } = this.#active ?? {};
    return expiresAt !== undefined && this.#parts.clock.now() >= expiresAt;
  }

  get refusals(): number {
    return this.#refusals;
  }

  /** Why no bundle is in force, where none is. */
  missing(): string {
    return this.#fault?.message ?? waitingText(this.#candidate);
  }

  /**
   * Puts what was kept in force, judged by the keys as of when it came into force: a key that has expired since does
   * not take the policy away. Never rejects; a bundle that cannot be used is refused like any other.
   */
  restore({ state, archive }: Good): Promise<void> {
    this.#floor = state.floor;
    return this.#enqueue(async () => {
      try {
        const bundle = await readBundle(archive);
        const proof = proveBundle(bundle, state.letters, this.#parts.rules(), state.activated_at);
        if (bundle.digest !== state.digest || !isProved(proof)) {
          throw new Fault("bundle_untrusted", "the last known good bundle does not prove itself any more");
        }
        const { from, etag, letters } = state;
        const offer: Offer = { bundle, archive, letters, from, ...(etag === undefined ? {} : { etag }) };
        const { watch } = this.#parts.activation;
        const loaded = await loadBundle(bundle, state.activated_at, { watch });
        await this.#swap(
          loaded,
          { offer, proof, rollback: undefined },
          { since: state.activated_at, restored: true },
        );
      } catch (thrown) {
        this.refuse(Fault.from(thrown, "bundle_invalid", "the last known good bundle cannot be put to use"));
      }
    });
  }

  /** Takes what a source found. Resolves when it is in force or waits; rejects with why it is refused. */
  offer(offer: Offer): Promise<void> {
    return this.#enqueue(() => this.#take(offer));
  }

  /**
   * Puts the candidate in force that is being compared; `by` is who says so. Resolves to its revision.
   * @throws Fault `bundle_unfit` where no such candidate is in the shadow
   */
  async promote(digest: string, by: string): Promise<string> {
    await this.#enqueue(async () => {
      candidateIn(this.#candidate, digest, ["shadow"]);
      await this.#endShadow(undefined, by);
    });
    return this.#candidate?.revision ?? "";
  }

  /**
   * Drops the candidate that waits or is being compared; it is not taken again. Resolves to its revision.
   * @throws Fault `bundle_unfit` where no such candidate waits
   */
  async abort(digest: string, reason: string, by: string): Promise<string> {
    await this.#enqueue(async () => {
      const candidate = candidateIn(this.#candidate, digest, ["shadow", "pending_approval"]);
      const fault = new Fault("bundle_unfit", `aborted by \`${by}\`: ${reason}`);
      const { revision } = candidate;
      await this.#aborted.add({ digest, revision, by, reason, at: this.#parts.clock.now() });
      const shadow = this.#shadow?.drop();
      this.#step("aborted", {
        fault,
        failedIn: candidate.state,
        ...(shadow === undefined ? {} : { shadow }),
      });
      this.refuse(fault);
    });
    return this.#candidate?.revision ?? "";
  }

  /** A source could not bring a bundle, or one was refused; the earlier one stays. */
  refuse(fault: Fault): void {
    this.#fault = fault;
    this.#refusals += 1;
    refused.publish({ error: fault });
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    const done = this.#work.then(step);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #take(offer: Offer): Promise<void> {
    const { bundle, from } = offer;
    if (bundle.digest === this.#parts.activation.bundle?.digest) return;
    const { revision, sequence, digest } = bundle;
    if (this.#aborted.has(digest))
      throw new Fault("bundle_unfit", `revision \`${revision}\` was aborted here`);
    if (digest === this.#shadow?.held?.with.offer.bundle.digest) return;
    this.#shadow?.drop();
    this.#candidate = { revision, sequence, digest, from, state: "fetched", since: this.#parts.clock.now() };
    try {
      await this.#advance(offer);
    } catch (thrown) {
      const fault = Fault.from(thrown, "bundle_invalid", "the bundle cannot be put to use");
      this.#step("refused", { fault, failedIn: this.#candidate.state });
      throw fault;
    }
  }

  async #advance(offer: Offer): Promise<void> {
    const { clock, check } = this.#parts;
    const { bundle, letters } = offer;
    this.#step("proving");
    const rules = this.#parts.rules();
    const proof = proveBundle(bundle, letters, rules, clock.now());
    if (!isProved(proof)) {
      this.#step("pending_approval", { proof });
      this.#fault = undefined;
      return;
    }
    this.#step("sequencing", { proof });
    const rollback = checkSequence(offer, proof, rules.keyset, this.#floor, clock.now());
    this.#step("checking");
    this.#parts.activation.gather();
    const tried = await check?.(bundle);
    if (tried !== undefined) this.#step("checking", { trial: tried.report });
    const { watch } = this.#parts.activation;
    const loaded = await loadBundle(bundle, clock.now(), { ...tried, watch });
    try {
      await this.#parts.others?.prepare(offer);
    } catch (thrown) {
      loaded[Symbol.dispose]();
      throw thrown;
    }
    const ready: Ready = { offer, proof, rollback };
    // Going back is urgent and was compared when it first came; and without a policy there is nothing to compare with.
    if (rollback !== undefined || this.#active === undefined || this.#shadow === undefined) {
      await this.#activate(loaded, ready);
      return;
    }
    const held = { loaded, with: ready };
    this.#fault = undefined;
    this.#step("shadow");
    this.#shadow.begin(held, (fault) => {
      void this.#enqueue(async () => {
        if (this.#shadow?.held === held) await this.#endShadow(fault, undefined);
      });
    });
  }

  async #endShadow(fault: Fault | undefined, by: string | undefined): Promise<void> {
    if (fault !== undefined) {
      const shadow = this.#shadow?.drop();
      this.#step("refused", { fault, failedIn: "shadow", ...(shadow === undefined ? {} : { shadow }) });
      this.refuse(fault);
      return;
    }
    const released = this.#shadow?.release();
    if (released === undefined) return;
    this.#step("activating", { shadow: released.report });
    await this.#activate(released.held.loaded, released.held.with, by);
  }

  async #activate(loaded: Loaded, ready: Ready, promotedBy?: string): Promise<void> {
    this.#step("activating");
    await this.#parts.activation.warm(loaded);
    await this.#swap(loaded, ready, {
      since: this.#parts.clock.now(),
      ...(promotedBy === undefined ? {} : { promotedBy }),
    });
    this.#step("persisting");
    await this.#kept.keep(
      goodOf(ready.offer, {
        floor: this.#floor,
        activated_at: this.#active?.since ?? 0,
        keyset: this.#parts.keysetText?.(),
      }),
    );
    this.#step("active");
  }

  async #swap(
    loaded: Loaded,
    { offer, proof, rollback }: Ready,
    { since, ...how }: Pick<ActiveBundle, "since" | "restored" | "promotedBy">,
  ): Promise<void> {
    this.#parts.activation.swap(loaded);
    await this.#parts.others?.commit(offer, since);
    const { sequence, expiresAt } = offer.bundle;
    this.#floor = Math.max(this.#floor, sequence);
    this.#fault = undefined;
    const news: Activated = { ...activatedOf(offer.bundle, proof, rollback), ...how };
    this.#active = { ...news, from: offer.from, etag: offer.etag, since, expiresAt };
    activated.publish(news);
    this.#parts.activated?.(news);
    this.#expiry.clear();
    if (expiresAt !== undefined) this.#expiry.set(Math.max(0, expiresAt * 1000 - this.#parts.clock.wallMs()));
  }

  #sayExpired(): void {
    if (this.expired)
      expired.publish({ revision: this.#active?.revision, expires_at: this.#active?.expiresAt });
  }

  #step(state: CandidateState, more: Partial<Candidate> = {}): void {
    if (this.#candidate === undefined) return;
    if (state === "refused" || state === "aborted") this.#parts.activation.cool();
    this.#candidate = { ...this.#candidate, ...more, state, since: this.#parts.clock.now() };
    stepped.publish(this.#candidate);
  }

  [Symbol.dispose](): void {
    this.#shadow?.drop();
    this.#kept[Symbol.dispose]();
    this.#expiry.clear();
  }
}
