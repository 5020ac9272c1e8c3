/** What a compiled policy needs and offers, for people; loads nothing into service. */
import { Fault } from "../runtime/fault.ts";
import { pageBytes } from "./instance.ts";
import { compileModule, type PolicyExports } from "./module.ts";

/** Facts about a policy module. Lists are sorted. */
export interface PolicySummary {
  readonly entrypoints: readonly string[];
  /** Builtins that the host must supply, whether it can or not. */
  readonly builtins: readonly string[];
  /** Wasm ABI as `major.minor`. */
  readonly abi: string;
  /** Memory that the module takes before any data, in pages of 64 KiB. */
  readonly memoryPages: number;
}

/**
 * Describes a module without its data, even one that {@link loadPolicy} would refuse for a builtin.
 * @throws Fault `bundle_invalid` where it is no policy module at all
 */
export function inspectPolicy(wasm: Uint8Array): PolicySummary {
  const module = compileModule(wasm);
  try {
    const memory = new WebAssembly.Memory({ initial: 16 });
    const refuse = (): never => {
      throw new Fault("bundle_invalid", "the module calls its host before it is asked anything");
    };
    const env: WebAssembly.ModuleImports = { memory };
    for (const { name } of WebAssembly.Module.imports(module)) env[name] ??= refuse;
    const instance = new WebAssembly.Instance(module, { env });
    const exports = instance.exports as unknown as PolicyExports;
    const listed = (value: number): string[] => {
      const address = exports.opa_json_dump(value);
      const bytes = Buffer.from(memory.buffer);
      return Object.keys(
        JSON.parse(bytes.toString("utf8", address, bytes.indexOf(0, address))) as object,
      ).sort();
    };
    const entrypoints = listed(exports.entrypoints());
    const builtins = listed(exports.builtins());
    const abi = `${exports.opa_wasm_abi_version.value}.${exports.opa_wasm_abi_minor_version.value}`;
    return { entrypoints, builtins, abi, memoryPages: Math.ceil(exports.opa_heap_ptr_get() / pageBytes) };
  } catch (error) {
    throw Fault.from(error, "bundle_invalid", "the policy module cannot be read");
  }
}
