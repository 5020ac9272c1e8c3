import { describe, expect, it } from "vitest";
import type { ReleaseRecord } from "../../src/decision/facts.ts";
import { dependencyCircle } from "../../src/eligibility/dependencies.ts";
import { releaseRecord } from "../releases.ts";

const of = (
  id: string,
  depends: Readonly<Record<string, number>>,
  provides: Readonly<Record<string, number>>,
): ReleaseRecord => ({ ...releaseRecord(id, "ro", 1_800_000_000), depends, provides });

describe("dependencies of releases", () => {
  it("that wait for each other are a circle, told as it runs", () => {
    const a = of("a", { modem: 2 }, { app: 2 });
    const b = of("b", { radio: 2 }, { modem: 2 });
    const c = of("c", { app: 2 }, { radio: 2 });
    expect(dependencyCircle(a, [a, b, c])).toEqual(["a", "b", "c", "a"]);
    expect(dependencyCircle(c, [a, b, c])).toEqual(["c", "a", "b", "c"]);
  });

  it("that lead out by one way, or to nobody, are none", () => {
    const a = of("a", { modem: 2 }, { app: 2 });
    const b = of("b", { app: 2 }, { modem: 2 });
    const way = of("way", {}, { modem: 3 });
    expect(dependencyCircle(a, [a, b, way])).toBeUndefined();
    expect(dependencyCircle(a, [a])).toBeUndefined();
    // Older than what is asked for is no way.
    expect(dependencyCircle(a, [a, b, of("old", {}, { modem: 1 })])).toEqual(["a", "b", "a"]);
  });

  it("of a release that needs what it brings itself are its own business", () => {
    expect(
      dependencyCircle(of("a", { app: 2 }, { app: 2 }), [of("a", { app: 2 }, { app: 2 })]),
    ).toBeUndefined();
  });

  it("in great numbers end in time", () => {
    const many = Array.from({ length: 400 }, (_, i) => of(`r${i}`, { [`c${i}`]: 1 }, { [`c${i - 1}`]: 1 }));
    expect(dependencyCircle(many[0] as ReleaseRecord, many)).toBeUndefined();
    // Every release needs all of fourteen components, and each brings one: ways by the million, one circle.
    const names = Array.from({ length: 14 }, (_, i) => `c${i}`);
    const needs = Object.fromEntries(names.map((name) => [name, 1]));
    const knot = names.map((name, i) => of(`k${i}`, needs, { [name]: 1 }));
    const startMs = performance.now();
    expect(dependencyCircle(knot[0] as ReleaseRecord, knot)?.length).toBeGreaterThan(1);
    expect(performance.now() - startMs).toBeLessThan(2000);
  });
});
