/** The next moment at which an answer about a device can change, found without listing them all. */
import type { CutList, DailyCut, TimeCut } from "../pdp/cuts.ts";
import { type Common, compileReading, type Reading, type Scene } from "./scene.ts";

/** The first cut of the device's own facts after now; infinity: none. */
export type NextCut = (scene: Scene) => number;

const day = 86_400;

/** Whether a cut moves with the device, and is not the same for the whole scan. */
export function movesWithDevice({ fact, plus }: TimeCut): boolean {
  return [fact, plus].some((path) => path?.startsWith("device.") || path?.startsWith("credential."));
}

function timeCut({ at: offsets, fact, plus }: TimeCut, common: Common): NextCut {
  const { all, one, spread } = compileReading(fact, common);
  const more: Reading | undefined = plus === undefined ? undefined : compileReading(plus, common);
  const after = (value: unknown, extra: unknown, now: number): number => {
    let next = Number.POSITIVE_INFINITY;
    if (typeof value !== "number" || typeof extra !== "number") return next;
    for (const offset of offsets) {
      const at = value + extra + offset;
      if (at > now && at < next) next = at;
    }
    return next;
  };
  if (!spread && more === undefined) return (scene) => after(one(scene), 0, scene.now);
  return (scene) => {
    let next = Number.POSITIVE_INFINITY;
    for (const value of all(scene))
      for (const extra of more === undefined ? [0] : more.all(scene))
        next = Math.min(next, after(value, extra, scene.now));
    return next;
  };
}

function dailyCut({ fact, offset }: DailyCut, common: Common): NextCut {
  const second = compileReading(fact, common).one;
  const zone = compileReading(offset, common).one;
  return (scene) => {
    const [opens, shift] = [second(scene), zone(scene)];
    if (typeof opens !== "number" || typeof shift !== "number") return Number.POSITIVE_INFINITY;
    return scene.now + day - ((((scene.now + shift - opens) % day) + day) % day);
  };
}

/** Compiles the cuts that move with the device. Throws `bundle_invalid` for a fact that nobody holds. */
export function compileNextCut({ daily, time }: CutList, common: Common): NextCut {
  const cuts = [
    ...time.filter(movesWithDevice).map((cut) => timeCut(cut, common)),
    ...daily.map((cut) => dailyCut(cut, common)),
  ];
  return (scene) => {
    let next = Number.POSITIVE_INFINITY;
    for (const cut of cuts) {
      const at = cut(scene);
      if (at < next) next = at;
    }
    return next;
  };
}
