/** Every bundle's way into force, in named steps. A failure at any of them leaves the active bundle in force. */
import { channel } from "node:diagnostics_channel";
import type { Bundle } from "../bundle/bundle.ts";
import type { Candidate, CandidateState } from "../bundle/candidate.ts";
import type { Good, GoodStore } from "../bundle/good-store.ts";
import { type PermittedRollback, permittedRollback } from "../bundle/letters.ts";
import type { Offer } from "../bundle/offer.ts";
import { isProved, type Proof, proveBundle, type TrustRules } from "../bundle/prove.ts";
import { readBundle } from "../bundle/read-bundle.ts";
import { Alarm } from "../runtime/alarm.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import type { Metric } from "../runtime/ports.ts";
import { type Activation, type Loaded, loadBundle } from "./activation.ts";
import { pipelineMetrics } from "./pipeline-metrics.ts";
import type { TrialReport } from "./try-policy.ts";

const activated = channel("sallyport:bundle:activated");
const refused = channel("sallyport:bundle:refused");
const stepped = channel("sallyport:bundle:step");
const unkept = channel("sallyport:bundle:unkept");
const expired = channel("sallyport:bundle:expired");

/** What the channel `sallyport:bundle:activated` says. */
export interface Activated {
  readonly revision: string;
  readonly sequence: number;
  readonly digest: string;
  /** Names of the keys behind it. */
  readonly signer: string | undefined;
  readonly approvers: readonly string[];
  /** Where it is older than the one before: by whose word, and why. */
  readonly rollback?: { readonly from: number; readonly reason: string; readonly by: readonly string[] };
  /** It was kept from before the restart. */
  readonly restored?: true;
}

/** The bundle in force, as people ask about it. */
export interface ActiveBundle extends Activated {
  readonly from: string;
  readonly etag?: string | undefined;
  /** Unix seconds. */
  readonly since: number;
  readonly expiresAt: number | undefined;
}

/** Parts of a {@link BundlePipeline}. */
export interface PipelineParts {
  readonly activation: Activation;
  readonly clock: Clock;
  /** By what bundles are proved now, and the text of that keyset. */
  rules(): TrustRules;
  keysetText?(): string | undefined;
  /** Tries a bundle before it may answer. Rejects with why it may not. */
  readonly check?: (bundle: Bundle) => Promise<TrialReport>;
  /** Where the last known good bundle is kept. */
  readonly store?: GoodStore | undefined;
  /** How long after a failure it is tried to keep it again, milliseconds. */
  readonly keepAgainMs?: number;
}

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
  #keepFault: Fault | undefined;
  /** Highest sequence that was ever in force; going below takes a rollback. */
  #floor = -1;
  #refusals = 0;
  #toKeep: Good | undefined;
  #work: Promise<void> = Promise.resolve();
  readonly #keepAgain = new Alarm(() => void this.#enqueue(() => this.#keep()));
  readonly #expiry = new Alarm(() => this.#sayExpired());

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  /** The bundle that was offered last, and where it stands. */
  get candidate(): Candidate | undefined {
    return this.#candidate;
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
    return this.#keepFault;
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
    const candidate = this.#candidate;
    if (this.#fault !== undefined) return this.#fault.message;
    if (candidate?.state !== "pending_approval") return "no bundle is in force yet";
    const { keys = 0, needed = 0, waitsFor = [] } = candidate.proof ?? {};
    return `revision \`${candidate.revision}\` has ${keys} of ${needed} keys behind it and waits for one of ${waitsFor.join(", ") || "nobody: no key may approve it"}`;
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
        const loaded = loadBundle(bundle, state.activated_at);
        this.#swap(
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
    const rollback = this.#checkSequence(offer, proof, rules);
    this.#step("checking");
    const trial = await check?.(bundle);
    this.#step("activating", trial === undefined ? {} : { trial });
    this.#swap(loadBundle(bundle, clock.now()), { offer, proof, rollback }, { since: clock.now() });
    this.#step("persisting");
    this.#toKeep = this.#goodOf(offer);
    await this.#keep();
    this.#step("active");
  }

  /** Throws `bundle_outdated` for a bundle that is not newer, unless a threshold of keys permits the step back. */
  #checkSequence(
    { bundle, letters }: Offer,
    proof: Proof,
    { keyset }: TrustRules,
  ): PermittedRollback | undefined {
    const from = this.#floor;
    const { sequence, revision, digest } = bundle;
    // Who builds without a signature builds the same release again and again.
    if (sequence > from || (proof.signer === undefined && sequence === from)) return undefined;
    const target = { digest, sequence, from };
    const permitted =
      keyset === undefined ? undefined : permittedRollback(target, letters, keyset, this.#parts.clock.now());
    if (permitted !== undefined) return permitted;
    throw new Fault(
      "bundle_outdated",
      `sequence ${sequence} of revision \`${revision}\` is not newer than ${from}, which was in force: build a newer one, or use \`sallyport bundle rollback\``,
    );
  }

  #swap(loaded: Loaded, { offer, proof, rollback }: Ready, how: { since: number; restored?: true }): void {
    this.#parts.activation.swap(loaded);
    const { revision, sequence, digest, expiresAt } = offer.bundle;
    this.#floor = Math.max(this.#floor, sequence);
    this.#fault = undefined;
    const news: Activated = {
      revision,
      sequence,
      digest,
      signer: proof.signer,
      approvers: proof.approvers,
      ...(how.restored === undefined ? {} : { restored: how.restored }),
      ...(rollback === undefined ? {} : { rollback: wordOf(rollback) }),
    };
    this.#active = { ...news, from: offer.from, etag: offer.etag, since: how.since, expiresAt };
    activated.publish(news);
    this.#expiry.clear();
    if (expiresAt !== undefined) this.#expiry.set(Math.max(0, expiresAt * 1000 - this.#parts.clock.wallMs()));
  }

  #sayExpired(): void {
    if (this.expired)
      expired.publish({ revision: this.#active?.revision, expires_at: this.#active?.expiresAt });
  }

  #goodOf({ bundle, archive, letters, from, etag }: Offer): Good {
    const { digest, revision, sequence } = bundle;
    const kept = { digest, revision, sequence, floor: this.#floor, activated_at: this.#active?.since ?? 0 };
    return { archive, state: { ...kept, from, etag, letters, keyset: this.#parts.keysetText?.() } };
  }

  /** A disk that is full does not take the new policy away; it is tried again, and said. */
  async #keep(): Promise<void> {
    const { store, keepAgainMs = 30_000 } = this.#parts;
    if (store === undefined || this.#toKeep === undefined) return;
    try {
      await store.keep(this.#toKeep);
      this.#toKeep = undefined;
      this.#keepFault = undefined;
    } catch (thrown) {
      this.#keepFault = Fault.from(thrown, "bundle_unkept", "the bundle in force cannot be kept");
      unkept.publish({ error: this.#keepFault });
      this.#keepAgain.set(keepAgainMs);
    }
  }

  #step(state: CandidateState, more: Partial<Candidate> = {}): void {
    if (this.#candidate === undefined) return;
    this.#candidate = { ...this.#candidate, ...more, state, since: this.#parts.clock.now() };
    stepped.publish(this.#candidate);
  }

  /** Numbers for Prometheus. */
  metrics(): readonly Metric[] {
    return pipelineMetrics(this);
  }

  [Symbol.dispose](): void {
    this.#keepAgain.clear();
    this.#expiry.clear();
  }
}

function wordOf({ rollback: { from, reason }, by }: PermittedRollback): NonNullable<Activated["rollback"]> {
  return { from, reason, by: by.map(({ name }) => name) };
}
