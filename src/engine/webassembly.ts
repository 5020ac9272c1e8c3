/** The part of the WebAssembly JavaScript API that the engine uses; the ES library of TypeScript lacks it. */
export {};

declare global {
  namespace WebAssembly {
    type ImportValue = Memory | ((...args: never[]) => number | undefined);
    type ModuleImports = Record<string, ImportValue>;

    class Module {
      constructor(bytes: Uint8Array);
      static imports(module: Module): { module: string; name: string; kind: string }[];
      static exports(module: Module): { name: string; kind: string }[];
    }

    class Instance {
      constructor(module: Module, imports: Record<string, ModuleImports>);
      readonly exports: Record<string, unknown>;
    }

    class Memory {
      constructor(descriptor: { initial: number; maximum?: number });
      readonly buffer: ArrayBuffer;
    }

    interface Global {
      readonly value: unknown;
    }

    interface WebAssemblyInstantiatedSource {
      instance: Instance;
      module: Module;
    }
  }
}
