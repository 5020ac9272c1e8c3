/** Notices that the files of a project changed, by looking. */
import { policySources, sourcesDigest } from "./sources.ts";

/**
 * Calls `onState` now and after each change of the sources, one call at a time, until `signal` aborts. Looks every
 * `pollMs`; what changes during a call is noticed after it. Files that vanish while it looks count as not yet changed.
 */
export async function watchSources(
  dir: string,
  pollMs: number,
  signal: AbortSignal,
  onState: () => Promise<void>,
): Promise<void> {
  const look = (before: string): string => {
    try {
      return sourcesDigest(policySources(dir));
    } catch {
      return before;
    }
  };
  let seen = look("");
  await onState();
  while (!signal.aborted) {
    await pause(pollMs, signal);
    const now = look(seen);
    if (now === seen || signal.aborted) continue;
    seen = now;
    await onState();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
