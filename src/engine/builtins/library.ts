import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** A package that few policies need, loaded when the first of them is asked: a start does not wait for it. */
export function library<T>(name: string): () => T {
  let loaded: T | undefined;
  return () => {
    loaded ??= require(name) as T;
    return loaded;
  };
}
