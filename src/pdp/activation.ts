/** From a bundle to the policy in force: load and swap. What fails leaves the active one in force. */
import type { Bundle } from "../bundle/bundle.ts";
import { loadPolicy } from "../engine/load-policy.ts";
import type { Policy } from "../engine/policy.ts";
import type { SharedInput } from "../engine/shared-input.ts";
import type { MaskPolicy } from "../log/mask.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Metric } from "../runtime/ports.ts";
import type { Pdp } from "./pdp.ts";
import {
  type CompiledPolicy,
  createSnapshot,
  entrypointsOf,
  inputOf,
  type PolicySnapshot,
  presentIn,
} from "./snapshot.ts";

const maskEntrypoint = "system/log/mask";

/** A policy that is loaded and may come into force, or be asked beside the one that is. */
export interface Loaded extends Disposable {
  readonly bundle: Bundle;
  readonly snapshot: PolicySnapshot;
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

/** Is told when the policy starts to evaluate and when it has ended: it cannot be interrupted, but noticed. */
export interface PolicyWatch {
  begin(entrypoint: string, inputJson: string, shared: SharedInput | undefined): void;
  end(): void;
}

/** What is known of a bundle before it is loaded. */
export interface Ahead {
  /** Its module, where a thread has compiled it already. */
  readonly module?: WebAssembly.Module | undefined;
  /** Its cuts, where that thread has asked for them. */
  readonly cuts?: unknown;
  /** Is told of its evaluations. */
  readonly watch?: PolicyWatch | undefined;
}

function watched(policy: CompiledPolicy, watch: PolicyWatch | undefined): CompiledPolicy {
  if (watch === undefined) return policy;
  return {
    evaluate(entrypoint, inputJson, shared) {
      watch.begin(entrypoint, inputJson, shared);
      try {
        return policy.evaluate(entrypoint, inputJson, shared);
      } finally {
        watch.end();
      }
    },
  };
}

/** Loads a policy step by step: module, entrypoints, builtins, schemas, cuts, mask. */
function* loading(bundle: Bundle, now: number, { cuts, module, watch }: Ahead = {}): Generator<void, Loaded> {
  for (const name of presentIn(bundle.schemas)) {
    inputOf(bundle.schemas, name);
    yield;
  }
  // Inputs are the work of JSON.stringify: the engine need not look at them twice.
  const policy = loadPolicy({
    wasm: bundle.wasm,
    module,
    data: bundle.data,
    required: entrypointsOf(bundle.schemas),
    limits: { verifyInput: false },
  });
  try {
    yield;
    const mask = maskOf(policy, bundle.schemas[maskEntrypoint]);
    yield;
    const { revision, sequence, schemas } = bundle;
    const asked = watched(policy, watch);
    const snapshot = createSnapshot({ revision, sequence, policy: asked, schemas, activatedAt: now, cuts });
    return { bundle, snapshot, policy, mask, [Symbol.dispose]: () => policy[Symbol.dispose]() };
  } catch (thrown) {
    policy[Symbol.dispose]();
    throw thrown;
  }
}

/**
 * Loads a bundle's policy. What waits goes first between two steps: in one turn, loading would be felt.
 * @throws Fault `bundle_invalid`
 */
export async function loadBundle(bundle: Bundle, now: number, ahead?: Ahead): Promise<Loaded> {
  const steps = loading(bundle, now, ahead);
  for (;;) {
    const { done, value } = steps.next();
    await new Promise((resolve) => setImmediate(resolve));
    if (done === true) return value;
  }
}

/** Holds the policy in force; puts one in the place of another. */
export class Activation implements Disposable {
  readonly #pdp: Pdp;
  readonly #clock: Clock;
  #active: Loaded | undefined;
  #warm: { readonly loaded: Loaded; readonly cache: Pdp["cache"] } | undefined;
  #count = 0;

  /** Is told of the evaluations of every policy that is loaded here. */
  readonly watch: PolicyWatch | undefined;

  constructor(pdp: Pdp, clock: Clock, watch?: PolicyWatch) {
    this.#pdp = pdp;
    this.#clock = clock;
    this.watch = watch;
  }

  /** The bundle in force. */
  get bundle(): Bundle | undefined {
    return this.#active?.bundle;
  }

  /** The mask of the bundle in force, for the decision log. */
  readonly mask = (): MaskPolicy | undefined => this.#active?.mask;

  /** Loads a bundle and puts it in force at once. Throws `bundle_invalid`; then the earlier one stays. */
  activate(bundle: Bundle): void {
    const steps = loading(bundle, this.#clock.now(), { watch: this.watch });
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) {
        this.swap(value);
        return;
      }
    }
  }

  /** A bundle is on its way: the questions of now are gathered, to be answered ahead by it. */
  gather(): void {
    this.#pdp.gather(true);
  }

  /** Answers them ahead, off the hot path: the cache is warm where this policy is swapped in next. */
  async warm(loaded: Loaded): Promise<void> {
    const cache = await this.#pdp.warm(loaded.snapshot);
    this.#warm = cache === undefined ? undefined : { loaded, cache };
  }

  /** No bundle is on its way any more. */
  cool(): void {
    this.#pdp.gather(false);
    this.#warm = undefined;
  }

  /** Puts a loaded policy in force; every question after it is answered by it, none by two. */
  swap(loaded: Loaded): void {
    const before = this.#active;
    const warm = this.#warm?.loaded === loaded ? this.#warm.cache : undefined;
    this.#warm = undefined;
    // INVARIANT: an evaluation is synchronous, so none is under way in the old policy when it is put away.
    this.#pdp.activate(loaded.snapshot, warm);
    this.#active = loaded;
    this.#count += 1;
    before?.[Symbol.dispose]();
  }

  /** Numbers for Prometheus. */
  metrics(): readonly Metric[] {
    return [
      {
        name: "sallyport_bundle_swaps_total",
        help: "How often another bundle came into force.",
        type: "counter",
        across: "max",
        read: () => [{ labels: {}, value: this.#count }],
      },
      {
        name: "sallyport_bundle_sequence",
        help: "Sequence of the bundle in force; 0: none.",
        type: "gauge",
        across: "max",
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
    this.#active?.[Symbol.dispose]();
    this.#active = undefined;
  }
}
