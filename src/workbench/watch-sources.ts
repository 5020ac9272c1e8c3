/** Notices that the files of a project changed, by looking. */
import { policySources, sourcesDigest } from "./sources.ts";

/**
 * Calls `onChange` after each change of the sources, one call at a time, until `signal` aborts. Looks every
 * `pollMs`; files that vanish while it looks count as not yet changed.
 */
export async function watchSources(
  dir: string,
  pollMs: number,
  signal: AbortSignal,
  onChange: () => Promise<void>,
): Promise<void> {
  const look = (before: string): string => {
    try {
      return sourcesDigest(policySources(dir));
    } catch {
      return before;
    }
  };
  let seen = look("");
  while (!signal.aborted) {
    await pause(pollMs, signal);
    const now = look(seen);
    if (now === seen || signal.aborted) continue;
    seen = now;
    await onChange();
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
