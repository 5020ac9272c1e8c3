/** One instance of a policy module with its memory: replaced, never repaired. */
import { createRequire } from "node:module";
import type * as sdk from "@open-policy-agent/opa-wasm";
import { Fault } from "../runtime/fault.ts";
import type { Builtin } from "./builtins/builtin.ts";
import { builtins, resolveBuiltins } from "./builtins.ts";
import { checkAbi, type PolicyExports } from "./module.ts";
import type { SharedInput } from "./shared-input.ts";
import { SharedTerms } from "./shared-terms.ts";
import { formatTerm, parseTerm } from "./term.ts";

/** The package's ESM face lacks the class that its types promise. */
const { LoadedPolicy } = createRequire(import.meta.url)("@open-policy-agent/opa-wasm") as typeof sdk;

export const pageBytes = 65_536;

/** How an instance's memory is laid out, in pages and bytes. */
export interface Layout {
  readonly pages: number;
  readonly maxPages: number;
  readonly maxInputBytes: number;
  /** Bytes in which members that inputs share stay parsed. */
  readonly sharedBytes: number;
}

/**
 * A policy instance with its data in memory. The SDK boots it and loads the data; imports and
 * evaluation are ours, since the SDK throws strings, prints, cannot replace or guard its own
 * builtins, and reads sets as unsorted arrays. After a throw the instance must not be used again:
 * a trap leaves its stack and heap as they were.
 */
export class Instance {
  readonly entrypoints: ReadonlyMap<string, number>;
  /** Builtins that the module asks its host for. */
  readonly builtinNames: readonly string[];
  readonly #memory: WebAssembly.Memory;
  readonly #exports: PolicyExports;
  readonly #data: number;
  /** First byte after data and shared members: where each input is written. */
  readonly #inputAt: number;
  readonly #layout: Layout;
  readonly #encoder = new TextEncoder();
  readonly #shared: SharedTerms;
  #builtins: readonly Builtin[] = [];
  #input: () => string = () => "null";
  #bytes: Buffer;
  #inputArea: Buffer;

  /** @throws Fault `bundle_invalid`, or what the module throws */
  constructor(module: WebAssembly.Module, dataJson: string, layout: Layout) {
    this.#layout = layout;
    this.#memory = new WebAssembly.Memory({ initial: layout.pages, maximum: layout.maxPages });
    const instance = new WebAssembly.Instance(module, { env: this.#imports() });
    this.#exports = instance.exports as unknown as PolicyExports;
    this.#bytes = Buffer.from(this.#memory.buffer);
    checkAbi(this.#exports);
    const minor = Number(this.#exports.opa_wasm_abi_minor_version.value);
    const loaded = new LoadedPolicy({ instance, module }, this.#memory, minor);
    this.entrypoints = new Map(Object.entries(loaded.entrypoints as Record<string, number>));
    const ids = JSON.parse(this.#text(this.#exports.opa_json_dump(this.#exports.builtins()))) as Record<
      string,
      number
    >;
    this.builtinNames = Object.keys(ids);
    this.#builtins = resolveBuiltins(ids, builtins({ input: () => this.#input() }));
    loaded.setData(new TextEncoder().encode(dataJson).buffer);
    this.#data = loaded.dataAddr;
    const start = Number(loaded.dataHeapPtr);
    this.#inputAt = start + layout.sharedBytes;
    this.#shared = new SharedTerms(this.#exports, {
      start,
      end: this.#inputAt,
      write: (text) => this.#write(text),
    });
    this.#bytes = Buffer.from(this.#memory.buffer);
    this.#inputArea = this.#bytes.subarray(this.#inputAt, this.#inputAt + layout.maxInputBytes);
  }

  /** Bytes of memory held; grows in whole pages and never shrinks. */
  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Pages that data, shared members and the largest input take; evaluation needs more. */
  get occupiedPages(): number {
    return Math.ceil((this.#inputAt + this.#layout.maxInputBytes) / pageBytes);
  }

  /**
   * Evaluates and hands the printed result (a Rego set, without its final NUL) to `read`. The input is
   * JSON, or absent; `notation` lets it be Rego's instead, with sets. Members in `shared` are part of it.
   * @throws Fault `input_invalid`; anything else that the module throws
   */
  evaluate<T>(
    entrypoint: number,
    inputJson: string | undefined,
    read: (memory: Buffer, start: number, end: number) => T,
    notation: "opa_json_parse" | "opa_value_parse" = "opa_json_parse",
    shared?: SharedInput,
  ): T {
    const exports = this.#exports;
    this.#refresh();
    const complete = (): string =>
      (shared === undefined ? inputJson : shared.complete(inputJson ?? "{}")) ?? "null";
    this.#input = complete;
    const pins = shared === undefined ? undefined : this.#shared.find(shared);
    const text = pins === undefined && shared !== undefined ? complete() : inputJson;
    const written = text === undefined ? 0 : this.#write(text);
    if (pins !== undefined && shared !== undefined && written + shared.bytes > this.#layout.maxInputBytes)
      throw tooLarge(this.#layout.maxInputBytes);
    exports.opa_heap_ptr_set(this.#inputAt + written);
    // `opa_eval` would read `{1,2}` as a set and take what it cannot read for no input at all.
    const input = text === undefined ? 0 : exports[notation](this.#inputAt, written);
    if (input === 0 && text !== undefined) throw new Fault("input_invalid", "the policy input is not JSON");
    if (pins !== undefined) this.#shared.add(pins, input);
    const context = exports.opa_eval_ctx_new();
    if (input !== 0) exports.opa_eval_ctx_set_input(context, input);
    exports.opa_eval_ctx_set_data(context, this.#data);
    exports.opa_eval_ctx_set_entrypoint(context, entrypoint);
    exports.eval(context);
    const start = exports.opa_value_dump(exports.opa_eval_ctx_get_result(context));
    this.#refresh();
    return read(this.#bytes, start, this.#bytes.indexOf(0, start));
  }

  /** Writes text where inputs go; returns its length in bytes. */
  #write(text: string): number {
    const encoded = this.#encoder.encodeInto(text, this.#inputArea);
    if (encoded.read < text.length) throw tooLarge(this.#layout.maxInputBytes);
    return encoded.written;
  }

  /** Growth detaches every view of the memory. */
  #refresh(): void {
    if (this.#bytes.byteLength !== 0) return;
    this.#bytes = Buffer.from(this.#memory.buffer);
    this.#inputArea = this.#bytes.subarray(this.#inputAt, this.#inputAt + this.#layout.maxInputBytes);
  }

  #text(address: number): string {
    const bytes = Buffer.from(this.#memory.buffer);
    return bytes.toString("utf8", address, bytes.indexOf(0, address));
  }

  #imports(): WebAssembly.ModuleImports {
    const call = (id: number, _context: number, ...args: number[]): number => this.#call(id, args);
    return {
      memory: this.#memory,
      opa_abort: (address: number): never => {
        throw new Fault("policy_trap", `the policy aborted: ${this.#text(address)}`);
      },
      opa_println: () => undefined,
      opa_builtin0: call,
      opa_builtin1: call,
      opa_builtin2: call,
      opa_builtin3: call,
      opa_builtin4: call,
    };
  }

  /** Address 0 is Rego's undefined. */
  #call(id: number, args: readonly number[]): number {
    const builtin = this.#builtins[id];
    if (builtin === undefined)
      throw new Fault("policy_trap", "the policy called a builtin that it does not name");
    const terms = args.map((address) => parseTerm(this.#text(this.#exports.opa_value_dump(address))));
    let result: ReturnType<Builtin>;
    try {
      result = builtin(...terms);
    } catch (error) {
      if (error instanceof Fault) throw error;
      return 0;
    }
    if (result === undefined) return 0;
    const encoded = Buffer.from(formatTerm(result));
    const address = this.#exports.opa_malloc(encoded.byteLength);
    Buffer.from(this.#memory.buffer).set(encoded, address);
    return this.#exports.opa_value_parse(address, encoded.byteLength);
  }
}

const tooLarge = (max: number): Fault =>
  new Fault("input_invalid", `the policy input is larger than ${max} bytes, shorten it or raise the limit`);
