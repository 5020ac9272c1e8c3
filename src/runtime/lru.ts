/** Maps that forget what was not used for longest. */
import { LRUCache } from "lru-cache";

/** Why an entry leaves: it was deleted or replaced, or there was no room for it. */
export type Leaving<K extends object | string, V extends object | string | number> = LRUCache.Disposer<K, V>;

/**
 * An LRU of at most `most` entries (at least one) that takes room as it fills. By lru-cache's `max` it would take the
 * room of all of them when it is made, and go through all of it whenever the last entry leaves: some 30 ms and 1 ms for
 * 100,000, in which nobody is answered.
 */
export function lruOf<K extends object | string, V extends object | string | number>(
  most: number,
  leaving?: Leaving<K, V>,
): LRUCache<K, V> {
  return new LRUCache<K, V>({
    maxSize: Math.max(1, most),
    sizeCalculation: () => 1,
    ...(leaving === undefined ? {} : { dispose: leaving }),
  });
}
