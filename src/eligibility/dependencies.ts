/** Releases that wait for each other: no device could ever take any of them. */
import type { ReleaseRecord } from "../decision/facts.ts";

/** Releases that bring what `release` asks of a component. */
function bringers(release: ReleaseRecord, all: readonly ReleaseRecord[]): ReleaseRecord[][] {
  return Object.entries(release.depends).map(([component, least]) =>
    all.filter(({ id, provides }) => id !== release.id && (provides[component] ?? -1) >= least),
  );
}

/**
 * The circle that dependencies of `release` lead into, as release ids, or `undefined`. A dependency that no release
 * brings is met by the device or not at all: that is no circle.
 */
export function dependencyCircle(
  release: ReleaseRecord,
  all: readonly ReleaseRecord[],
): readonly string[] | undefined {
  const known = all.some(({ id }) => id === release.id) ? all : [release, ...all];
  const needs = new Map(known.map((each) => [each.id, bringers(each, known)]));
  // Whoever needs nobody, or for each need somebody who can be had, can be had; the others wait for each other.
  const free = new Set<string>();
  const waits = (ways: readonly ReleaseRecord[]): boolean =>
    ways.length > 0 && !ways.some(({ id }) => free.has(id));
  for (let before = -1; before !== free.size; ) {
    before = free.size;
    for (const { id } of known) if (!(needs.get(id) ?? []).some(waits)) free.add(id);
  }
  if (free.has(release.id)) return undefined;
  const trail: string[] = [];
  for (let id = release.id; ; ) {
    const seen = trail.indexOf(id);
    if (seen >= 0) return [...trail.slice(seen), id];
    trail.push(id);
    // Who cannot be had has a need that nobody meets, and the first of those who would cannot be had either.
    id = (needs.get(id) ?? []).find(waits)?.[0]?.id ?? id;
  }
}
