/** What a compiled policy is to the rest of the program. */
import type { SharedInput } from "./shared-input.ts";

/** Bounds within which a policy is loaded and evaluated. One wasm page is 64 KiB. */
export interface PolicyLimits {
  /** Largest input, in bytes of UTF-8 JSON. A policy cannot be interrupted: its input is what bounds its time. */
  readonly maxInputBytes: number;
  /** Largest policy data, in bytes of UTF-8 JSON. */
  readonly maxDataBytes: number;
  /** Memory reserved at load, in pages; raised where data and input need more. */
  readonly initialPages: number;
  /** Pages that one evaluation may add before the instance is replaced (wasm memory never shrinks). */
  readonly sparePages: number;
  /** Pages in which the members that inputs share stay parsed; at most an eighth of `maxPages`. */
  readonly sharedPages: number;
  /** Pages beyond which an evaluation aborts. */
  readonly maxPages: number;
  /**
   * Whether each input is checked to be JSON before it is evaluated (about 4 us per KB). OPA's own
   * parser lets `{"a":1}x` and `[1 2]` pass. Switch it off only where the text is the work of
   * `JSON.stringify`; what that parser refuses is refused either way.
   */
  readonly verifyInput: boolean;
}

/** Limits in force where a source names none. */
export const defaultPolicyLimits: PolicyLimits = {
  maxInputBytes: 65_536,
  maxDataBytes: 8 * 1024 * 1024,
  initialPages: 64,
  sparePages: 256,
  sharedPages: 128,
  maxPages: 4096,
  verifyInput: true,
};

/** A compiled policy with its data, as a bundle holds them. */
export interface PolicySource {
  /** Module compiled by `opa build -t wasm`. */
  readonly wasm: Uint8Array;
  /** The same module, compiled already, so that loading it costs nobody time. */
  readonly module?: WebAssembly.Module | undefined;
  /** Base documents: a JSON object. */
  readonly data: unknown;
  /** Entrypoints that must be there, for example `sallyport/publish`. */
  readonly required: readonly string[];
  readonly limits?: Partial<PolicyLimits>;
}

/** One compiled policy, ready to be asked; synchronous, and as good after a fault as before it. */
export interface Policy extends Disposable {
  readonly entrypoints: ReadonlySet<string>;
  /**
   * Evaluates `entrypoint` with an input given as JSON text. Returns the value, deeply frozen and
   * possibly shared with earlier answers, or undefined where Rego is undefined. Rego sets are arrays
   * in Rego's order; other object keys than strings are their JSON text.
   *
   * Members in `shared` are part of the input, and parsed once for many questions; `inputJson` is then the text of
   * an object with members of its own, and none of theirs.
   *
   * There is no time limit: see {@link PolicyLimits.maxInputBytes}.
   * @throws Fault `input_invalid` (not JSON, too large, a lone surrogate), `policy_trap` (aborted, out
   * of memory, a number in the result that cannot be held exactly), `not_found` (no such entrypoint)
   */
  evaluate(entrypoint: string, inputJson: string, shared?: SharedInput): unknown;
  /** Bytes of wasm memory held now. */
  readonly memoryBytes: number;
  /** How often the instance was replaced: after an abort, or after its memory had grown. */
  readonly replaced: number;
}
