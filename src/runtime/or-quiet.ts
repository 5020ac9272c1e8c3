/** Waiting for something that may never come. */
import { setTimeout as sleep } from "node:timers/promises";

/**
 * What `next` gives, or `"quiet"` after `ms` milliseconds without it; `next` stays to be waited for again. Rejects as
 * `next` does, and once `signal` is aborted.
 */
export async function orQuiet<T>(next: Promise<T>, ms: number, signal?: AbortSignal): Promise<T | "quiet"> {
  const over = new AbortController();
  const cut = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  try {
    return await Promise.race([next, sleep(ms, "quiet" as const, { signal: cut })]);
  } finally {
    over.abort();
  }
}
