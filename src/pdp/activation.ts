/** From a bundle to the policy in force: load, check, swap. What fails leaves the active one in force. */
import { channel } from "node:diagnostics_channel";
import type { Bundle } from "../bundle/bundle.ts";
import { loadPolicy } from "../engine/load-policy.ts";
import type { Policy } from "../engine/policy.ts";
import type { MaskPolicy } from "../log/mask.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import type { Metric } from "../runtime/ports.ts";
import type { Pdp } from "./pdp.ts";
import { createSnapshot, requiredEntrypoints } from "./snapshot.ts";

const activated = channel("sallyport:bundle:activated");
const refused = channel("sallyport:bundle:refused");

/** What the channel `sallyport:bundle:activated` says. */
export interface Activated {
  readonly revision: string;
  readonly sequence: number;
  readonly digest: string;
}

const maskEntrypoint = "system/log/mask";

interface Active {
  readonly bundle: Bundle;
  readonly policy: Policy;
  readonly mask: MaskPolicy | undefined;
}

/** The rules of a mask that looks at no event are evaluated once; any other mask is asked for each event. */
function maskOf(policy: Policy, declared: unknown): MaskPolicy | undefined {
  if (!policy.entrypoints.has(maskEntrypoint)) return undefined;
  const mask = (event: unknown): unknown => policy.evaluate(maskEntrypoint, JSON.stringify(event));
  const properties = (declared as { properties?: object } | undefined)?.properties;
  if (properties === undefined || Object.keys(properties).length > 0) return mask;
  const rules = mask({});
  return Array.isArray(rules) ? rules : mask;
}

/** Activates bundles one after the other. */
export class Activation implements Disposable {
  readonly #pdp: Pdp;
  readonly #clock: Clock;
  #active: Active | undefined;
  #fault: Fault | undefined;
  #count = 0;
  #refusals = 0;

  constructor(pdp: Pdp, clock: Clock) {
    this.#pdp = pdp;
    this.#clock = clock;
  }

  /** The bundle in force. */
  get bundle(): Bundle | undefined {
    return this.#active?.bundle;
  }

  /** Why the last bundle offered is not in force; absent: it is. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** The mask of the bundle in force, for the decision log. */
  readonly mask = (): MaskPolicy | undefined => this.#active?.mask;

  /** Puts a bundle in force. Throws `bundle_invalid`; then the earlier one stays. */
  activate(bundle: Bundle): void {
    const active = this.#active;
    if (active !== undefined && bundle.sequence < active.bundle.sequence) {
      throw new Fault(
        "bundle_invalid",
        `sequence ${bundle.sequence} of revision \`${bundle.revision}\` is older than ${active.bundle.sequence} in force; build a newer one`,
      );
    }
    // Inputs are the work of JSON.stringify: the engine need not look at them twice.
    const policy = loadPolicy({
      wasm: bundle.wasm,
      data: bundle.data,
      required: requiredEntrypoints,
      limits: { verifyInput: false },
    });
    let mask: MaskPolicy | undefined;
    try {
      mask = maskOf(policy, bundle.schemas[maskEntrypoint]);
      const { revision, sequence, schemas } = bundle;
      this.#pdp.activate(
        createSnapshot({ revision, sequence, policy, schemas, activatedAt: this.#clock.now() }),
      );
    } catch (thrown) {
      policy[Symbol.dispose]();
      throw thrown;
    }
    this.#active = { bundle, policy, mask };
    this.#fault = undefined;
    this.#count += 1;
    active?.policy[Symbol.dispose]();
    const news: Activated = { revision: bundle.revision, sequence: bundle.sequence, digest: bundle.digest };
    activated.publish(news);
  }

  /** A bundle could not be put in force; the earlier one stays. */
  refuse(fault: Fault): void {
    this.#fault = fault;
    this.#refusals += 1;
    refused.publish({ error: fault });
  }

  /** Numbers for Prometheus. */
  metrics(): readonly Metric[] {
    return [
      {
        name: "sallyport_bundle_activations_total",
        help: "Bundles that were put in force or refused.",
        type: "counter",
        read: () => [
          { labels: { outcome: "activated" }, value: this.#count },
          { labels: { outcome: "refused" }, value: this.#refusals },
        ],
      },
      {
        name: "sallyport_bundle_sequence",
        help: "Sequence of the bundle in force; 0: none.",
        type: "gauge",
        read: () => [{ labels: {}, value: this.#active?.bundle.sequence ?? 0 }],
      },
      {
        name: "sallyport_policy_memory_bytes",
        help: "Wasm memory of the policy in force.",
        type: "gauge",
        read: () => [{ labels: {}, value: this.#active?.policy.memoryBytes ?? 0 }],
      },
    ];
  }

  [Symbol.dispose](): void {
    this.#active?.policy[Symbol.dispose]();
    this.#active = undefined;
  }
}
