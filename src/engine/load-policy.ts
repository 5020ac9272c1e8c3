/** From a bundle's module and data to a policy that can be asked. */
import { Fault } from "../runtime/fault.ts";
import { checkInput, holdsLoneSurrogate } from "./input.ts";
import { Instance, type Layout, pageBytes } from "./instance.ts";
import { compileModule } from "./module.ts";
import { defaultPolicyLimits, type Policy, type PolicyLimits, type PolicySource } from "./policy.ts";
import { ResultReader } from "./result.ts";
import type { SharedInput } from "./shared-input.ts";

/** Heap that OPA's parser takes per byte of JSON: measured from 7 (strings) to 72 (nested arrays). */
const heapPerDataByte = 32;
/** Room for the parsed input and the evaluation, beyond data and input text. */
const workPages = 32;

/**
 * Compiles and proves a policy: it is a whole module of a known ABI, has every required entrypoint,
 * needs no builtin that is not on offer, and its data fits.
 * @throws Fault `bundle_invalid`
 */
export function loadPolicy(source: PolicySource): Policy {
  const limits = { ...defaultPolicyLimits, ...source.limits };
  const dataJson = encodeData(source.data, limits);
  const module = source.module ?? compileModule(source.wasm);
  let policy: WasmPolicy;
  try {
    policy = new WasmPolicy(module, dataJson, limits);
  } catch (error) {
    if (error instanceof Fault && error.code === "bundle_invalid") throw error;
    const detail = Fault.from(error, "bundle_invalid", "it stopped while it was started").message;
    throw new Fault("bundle_invalid", `the policy cannot be loaded: ${detail}`, { cause: error });
  }
  const missing = source.required.filter((name) => !policy.entrypoints.has(name));
  if (missing.length === 0) return policy;
  throw new Fault(
    "bundle_invalid",
    `the policy has no entrypoint \`${missing.join("`, `")}\`, build it with \`-e\``,
  );
}

function encodeData(data: unknown, limits: PolicyLimits): string {
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    throw new Fault("bundle_invalid", "the policy data is not an object");
  }
  const json = JSON.stringify(data);
  if (holdsLoneSurrogate(json)) {
    throw new Fault("bundle_invalid", "the policy data holds half of a surrogate pair");
  }
  const bytes = Buffer.byteLength(json);
  if (bytes <= limits.maxDataBytes) return json;
  throw new Fault("bundle_invalid", `the policy data has ${bytes} bytes, ${limits.maxDataBytes} are allowed`);
}

class WasmPolicy implements Policy {
  readonly entrypoints: ReadonlySet<string>;
  readonly #module: WebAssembly.Module;
  readonly #dataJson: string;
  readonly #limits: PolicyLimits;
  readonly #layout: Layout;
  readonly #results = new ResultReader();
  readonly #read = this.#results.read.bind(this.#results);
  readonly #maxBytes: number;
  readonly #ids: ReadonlyMap<string, number>;
  /** Absent after it was given up; the next evaluation makes a new one. */
  #instance: Instance | undefined;
  #replaced = 0;
  #disposed = false;

  constructor(module: WebAssembly.Module, dataJson: string, limits: PolicyLimits) {
    this.#module = module;
    this.#dataJson = dataJson;
    this.#limits = limits;
    const sharedPages = Math.min(limits.sharedPages, Math.floor(limits.maxPages / 8));
    const estimate =
      sharedPages +
      Math.ceil((dataJson.length * heapPerDataByte + limits.maxInputBytes) / pageBytes) +
      workPages;
    const pages = Math.min(Math.max(limits.initialPages, estimate), limits.maxPages);
    const layout: Layout = {
      pages,
      maxPages: limits.maxPages,
      maxInputBytes: limits.maxInputBytes,
      sharedBytes: sharedPages * pageBytes,
    };
    const first = new Instance(module, dataJson, layout);
    // INVARIANT: the input area lies in memory that the module knows of. Memory that the host adds is
    // unknown to OPA's allocator, which would then grow by a page at each allocation.
    const needed = first.occupiedPages + workPages;
    this.#layout = needed <= pages ? layout : { ...layout, pages: Math.min(needed, limits.maxPages) };
    const instance = needed <= pages ? first : new Instance(module, dataJson, this.#layout);
    if (instance.occupiedPages > this.#layout.pages) {
      throw new Fault(
        "bundle_invalid",
        `the policy data and one input do not fit ${limits.maxPages} pages of memory`,
      );
    }
    this.#instance = instance;
    this.#ids = instance.entrypoints;
    this.entrypoints = new Set(this.#ids.keys());
    this.#maxBytes = (this.#layout.pages + limits.sparePages) * pageBytes;
  }

  get memoryBytes(): number {
    return this.#instance?.memoryBytes ?? 0;
  }

  get replaced(): number {
    return this.#replaced;
  }

  evaluate(entrypoint: string, inputJson: string, shared?: SharedInput): unknown {
    if (this.#disposed) throw new Fault("internal", "the policy was put away while it was still asked");
    const id = this.#ids.get(entrypoint);
    if (id === undefined) throw new Fault("not_found", `the policy has no entrypoint \`${entrypoint}\``);
    checkInput(inputJson, this.#limits.verifyInput);
    try {
      this.#instance ??= new Instance(this.#module, this.#dataJson, this.#layout);
      const result = this.#instance.evaluate(id, inputJson, this.#read, "opa_json_parse", shared);
      if (this.#instance.memoryBytes > this.#maxBytes) this.#giveUp();
      return result;
    } catch (error) {
      const fault = Fault.from(error, "policy_trap", "the policy aborted");
      // An input that the parser refused has run nothing.
      if (fault.code !== "input_invalid") this.#giveUp();
      throw fault;
    }
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#instance = undefined;
  }

  #giveUp(): void {
    this.#replaced++;
    this.#instance = undefined;
  }
}
