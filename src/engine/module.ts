/** A compiled policy module, checked before anything in it runs. */
import { Fault } from "../runtime/fault.ts";
import type {} from "./webassembly.ts";

/** The part of OPA's Wasm ABI 1.2 that is used; addresses are byte offsets into the memory. */
export interface PolicyExports {
  opa_malloc(size: number): number;
  opa_heap_ptr_get(): number;
  opa_heap_ptr_set(address: number): void;
  opa_json_parse(address: number, size: number): number;
  opa_value_parse(address: number, size: number): number;
  opa_json_dump(value: number): number;
  opa_value_add_path(base: number, path: number, value: number): number;
  opa_value_dump(value: number): number;
  opa_eval_ctx_new(): number;
  opa_eval_ctx_set_input(context: number, value: number): void;
  opa_eval_ctx_set_data(context: number, value: number): void;
  opa_eval_ctx_set_entrypoint(context: number, id: number): void;
  opa_eval_ctx_get_result(context: number): number;
  eval(context: number): number;
  builtins(): number;
  entrypoints(): number;
  readonly opa_wasm_abi_version: WebAssembly.Global;
  readonly opa_wasm_abi_minor_version: WebAssembly.Global;
}

const functions = [
  "opa_malloc",
  "opa_heap_ptr_get",
  "opa_heap_ptr_set",
  "opa_json_parse",
  "opa_value_parse",
  "opa_json_dump",
  "opa_value_add_path",
  "opa_value_dump",
  "opa_eval_ctx_new",
  "opa_eval_ctx_set_input",
  "opa_eval_ctx_set_data",
  "opa_eval_ctx_set_entrypoint",
  "opa_eval_ctx_get_result",
  "eval",
  "builtins",
  "entrypoints",
] as const satisfies readonly (keyof PolicyExports)[];
const globals = ["opa_wasm_abi_version", "opa_wasm_abi_minor_version"] as const;
const imports: ReadonlySet<string> = new Set([
  "env.memory",
  "env.opa_abort",
  "env.opa_println",
  "env.opa_builtin0",
  "env.opa_builtin1",
  "env.opa_builtin2",
  "env.opa_builtin3",
  "env.opa_builtin4",
]);
/** Minor version 2 brought `opa_eval` with the heap under the host's control; major versions break. */
const abi = { major: 1, minor: 2 };

const invalid = (message: string, cause?: unknown): Fault =>
  new Fault("bundle_invalid", message, cause === undefined ? {} : { cause });

/**
 * Compiles a module and checks that it is a policy and asks for nothing but OPA's imports.
 * @throws Fault `bundle_invalid`
 */
export function compileModule(wasm: Uint8Array): WebAssembly.Module {
  let module: WebAssembly.Module;
  try {
    module = new WebAssembly.Module(wasm);
  } catch (error) {
    throw invalid("the policy is not a whole wasm module, compile it with `opa build -t wasm`", error);
  }
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    if (!imports.has(`${from}.${name}`))
      throw invalid(`the policy imports \`${from}.${name}\`, which is not OPA's`);
  }
  const exported = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]));
  for (const name of globals) {
    if (exported.get(name) !== "global")
      throw invalid(`the wasm module has no \`${name}\`, it is not a policy`);
  }
  for (const name of functions) {
    if (exported.get(name) !== "function")
      throw invalid(`the policy has no \`${name}\`, compile it with a newer OPA`);
  }
  return module;
}

/**
 * Checks the ABI version of an instance.
 * @throws Fault `bundle_invalid`
 */
export function checkAbi(exports: PolicyExports): void {
  const major = Number(exports.opa_wasm_abi_version.value);
  const minor = Number(exports.opa_wasm_abi_minor_version.value);
  if (major === abi.major && minor >= abi.minor) return;
  throw invalid(
    `the policy has wasm ABI ${major}.${minor}, this service needs ${abi.major}.${abi.minor} or later`,
  );
}
