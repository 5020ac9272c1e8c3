/** Every bundle's way into force, in named steps. A failure at any of them leaves the active bundle in force. */
import { channel } from "node:diagnostics_channel";
import type { Bundle } from "../bundle/bundle.ts";
import type { Candidate, CandidateState } from "../bundle/candidate.ts";
import { noLetters, type PermittedRollback, permittedRollback } from "../bundle/letters.ts";
import type { Offer } from "../bundle/offer.ts";
import { isProved, type Proof, proveBundle, type TrustRules } from "../bundle/prove.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import type { Metric } from "../runtime/ports.ts";
import { type Activation, loadBundle } from "./activation.ts";

const activated = channel("sallyport:bundle:activated");
const refused = channel("sallyport:bundle:refused");
const stepped = channel("sallyport:bundle:step");

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
}

/** Parts of a {@link BundlePipeline}. */
export interface PipelineParts {
  readonly activation: Activation;
  readonly clock: Clock;
  /** By what bundles are proved now. */
  rules(): TrustRules;
}

/** Takes bundles from sources, one after the other. */
export class BundlePipeline {
  readonly #parts: PipelineParts;
  #candidate: Candidate | undefined;
  #fault: Fault | undefined;
  /** Highest sequence that was ever in force; going below takes a rollback. */
  #floor = -1;
  #refusals = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  /** The bundle that was offered last, and where it stands. */
  get candidate(): Candidate | undefined {
    return this.#candidate;
  }

  /** Why the last bundle offered is not in force; absent: it is, or waits. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** Why no bundle is in force, where none is. */
  missing(): string {
    const candidate = this.#candidate;
    if (this.#fault !== undefined) return this.#fault.message;
    if (candidate?.state !== "pending_approval") return "no bundle is in force yet";
    const { keys = 0, needed = 0, waitsFor = [] } = candidate.proof ?? {};
    return `revision \`${candidate.revision}\` has ${keys} of ${needed} keys behind it and waits for one of ${waitsFor.join(", ") || "nobody: no key may approve it"}`;
  }

  /** Takes what a source found. Resolves when it is in force or waits; rejects with why it is refused. */
  offer(offer: Offer): Promise<void> {
    const done = this.#work.then(() => this.#take(offer));
    this.#work = done.catch(() => undefined);
    return done;
  }

  /** A source could not bring a bundle, or one was refused; the earlier one stays. */
  refuse(fault: Fault): void {
    this.#fault = fault;
    this.#refusals += 1;
    const failedIn = this.#candidate?.state;
    if (this.#candidate !== undefined && failedIn !== "active" && this.#candidate.fault === undefined) {
      this.#candidate = { ...this.#candidate, state: "refused", since: this.#parts.clock.now(), fault };
    }
    refused.publish({ error: fault });
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
      const failedIn = this.#candidate.state;
      this.#step("refused", { fault, failedIn });
      throw fault;
    }
  }

  async #advance(offer: Offer): Promise<void> {
    const { activation, clock } = this.#parts;
    const { bundle } = offer;
    this.#step("proving");
    const rules = this.#parts.rules();
    const proof = proveBundle(bundle, offer.letters, rules, clock.now());
    if (!isProved(proof)) {
      this.#step("pending_approval", { proof });
      this.#fault = undefined;
      return;
    }
    this.#step("sequencing", { proof });
    const rollback = this.#checkSequence(bundle, offer, proof, rules);
    this.#step("checking");
    const loaded = loadBundle(bundle, clock.now());
    this.#step("activating");
    activation.swap(loaded);
    this.#floor = Math.max(this.#floor, bundle.sequence);
    this.#fault = undefined;
    this.#step("active");
    const { revision, sequence, digest } = bundle;
    const news: Activated = {
      revision,
      sequence,
      digest,
      signer: proof.signer,
      approvers: proof.approvers,
      ...(rollback === undefined
        ? {}
        : {
            rollback: {
              from: rollback.rollback.from,
              reason: rollback.rollback.reason,
              by: rollback.by.map(({ name }) => name),
            },
          }),
    };
    activated.publish(news);
  }

  /** Throws `bundle_outdated` for a bundle that is not newer, unless a threshold of keys permits the step back. */
  #checkSequence(
    bundle: Bundle,
    { letters }: Offer,
    proof: Proof,
    { keyset }: TrustRules,
  ): PermittedRollback | undefined {
    const from = this.#floor;
    const { sequence, revision, digest } = bundle;
    // Who builds without a signature builds the same release again and again.
    if (sequence > from || (proof.signer === undefined && sequence === from)) return undefined;
    const permitted =
      keyset === undefined
        ? undefined
        : permittedRollback(
            { digest, sequence, from },
            letters ?? noLetters,
            keyset,
            this.#parts.clock.now(),
          );
    if (permitted !== undefined) return permitted;
    throw new Fault(
      "bundle_outdated",
      `sequence ${sequence} of revision \`${revision}\` is not newer than ${from}, which was in force: build a newer one, or use \`sallyport bundle rollback\``,
    );
  }

  #step(state: CandidateState, more: Partial<Candidate> = {}): void {
    const candidate = this.#candidate;
    if (candidate === undefined) return;
    this.#candidate = { ...candidate, ...more, state, since: this.#parts.clock.now() };
    stepped.publish(this.#candidate);
  }

  /** Numbers for Prometheus. */
  metrics(): readonly Metric[] {
    return [
      {
        name: "sallyport_bundle_refusals_total",
        help: "Bundles that were refused, and sources that brought none.",
        type: "counter",
        read: () => [{ labels: {}, value: this.#refusals }],
      },
      {
        name: "sallyport_bundle_candidate",
        help: "1 for the state that the last bundle offered is in.",
        type: "gauge",
        read: () =>
          this.#candidate === undefined ? [] : [{ labels: { state: this.#candidate.state }, value: 1 }],
      },
    ];
  }
}
