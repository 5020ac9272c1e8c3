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
  const walk = (at: ReleaseRecord, trail: readonly string[]): readonly string[] | undefined => {
    const seen = trail.indexOf(at.id);
    if (seen >= 0) return [...trail.slice(seen), at.id];
    for (const ways of bringers(at, all)) {
      // One bringer that leads out of it is enough.
      const circles = ways.map((each) => walk(each, [...trail, at.id]));
      if (circles.length > 0 && circles.every((circle) => circle !== undefined)) return circles[0];
    }
    return undefined;
  };
  return walk(release, []);
}
