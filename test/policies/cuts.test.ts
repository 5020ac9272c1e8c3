import fc from "fast-check";
import { expect, it } from "vitest";
import {
  answerAt,
  type Cut,
  type Cuts,
  cutName,
  cutsOf,
  cutTable,
  dailyIndex,
  differences,
  type Mode,
  replaceAt,
  valuesAt,
} from "./clock.ts";
import { type Facts, ownRows, sharedRows } from "./tables.ts";
import { entrypoints, inputOf, models, now, twisted, twists } from "./twists.ts";

const modes: readonly Mode[] = ["alone", "step"];
const streams = ["hv", "ops", "mgmt"];

/** Every time in the input, as a dotted path. */
function timesIn(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value === "number") return value > 1e9 ? [path.join(".")] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, entry]) => timesIn(entry, [...path, key]));
}

/** Every offset that some cut of some model has: where a forgotten cut would most likely be. */
const offsets = [
  ...new Set(
    Object.values(cutTable).flatMap((kinds) =>
      Object.values(kinds).flatMap(({ time, lag, age, skew }) => [
        ...time.flatMap(({ at: list }) => list),
        ...(lag ?? []),
        ...(age ?? []),
        ...(skew ?? []),
      ]),
    ),
  ),
];

interface Change {
  readonly before: string;
  readonly after: string;
}

/** Two probes with no cut between them and different answers, if there are any. */
function unsound(
  entrypoint: string,
  input: Facts,
  mode: Mode,
  probes: readonly number[],
): Change | undefined {
  const cuts = [...new Set(cutsOf(entrypoint, input, mode).map((cut) => cut.at))].sort((a, b) => a - b);
  const all = [...new Set([...probes, ...cuts.flatMap((cut) => [cut - 1, cut])])].sort((a, b) => a - b);
  let interval = "";
  let known: { readonly time: number; readonly answer: string } | undefined;
  for (const time of all) {
    const reached = `${cuts.findLastIndex((cut) => cut <= time)} ${dailyIndex(entrypoint, input, time)}`;
    const answer = answerAt(entrypoint, input, time, mode);
    if (known !== undefined && interval === reached && known.answer !== answer) {
      return { before: `${known.time - now}: ${known.answer}`, after: `${time - now}: ${answer}` };
    }
    interval = reached;
    known = { time, answer };
  }
  return undefined;
}

/** Probes around every time of the input at every offset. */
function suspicions(input: Facts, count: number, seed: number): number[] {
  const times = timesIn(input).map((path) => valuesAt(input, path.split("."))[0] as number);
  const all = times.flatMap((time) =>
    offsets.flatMap((offset) => [time + offset - 1, time + offset, time + offset + 1]),
  );
  return Array.from({ length: count }, (_, i) => all[(seed * 7919 + i * 104729) % all.length] ?? now);
}

it("between cuts nothing changes: every row, with the clock alone and with the facts ageing", () => {
  for (const [i, row] of [...ownRows, ...sharedRows].entries()) {
    for (const entrypoint of new Set([row.kind, row.kind === "connect" ? "grants" : row.kind])) {
      const input = inputOf(entrypoint, row.facts);
      if (input === undefined) continue;
      const mode = modes[i % 2] ?? "alone";
      expect(unsound(entrypoint, input, mode, suspicions(input, 8, i)), `${row.id} ${mode}`).toBeUndefined();
    }
  }
}, 180_000);

const bent = fc.record({
  model: fc.constantFrom(...models),
  entrypoint: fc.constantFrom(...entrypoints),
  stream: fc.constantFrom(...streams),
  names: fc.subarray(Object.keys(twists), { maxLength: 5 }),
  mode: fc.constantFrom(...modes),
  moves: fc.array(fc.record({ fact: fc.nat(), offset: fc.nat(), by: fc.integer({ min: -1, max: 1 }) }), {
    maxLength: 5,
    size: "max",
  }),
  seed: fc.nat(1000),
});

it("between cuts nothing changes: twisted facts with times moved onto each other", () => {
  fc.assert(
    fc.property(bent, ({ model, entrypoint, stream, names, mode, moves, seed }) => {
      const input = inputOf(entrypoint, twisted(model, entrypoint, stream, names));
      if (input === undefined) return;
      const times = timesIn(input).filter((path) => path !== "now");
      const moved = moves.reduce<Facts>((facts, { fact, offset, by }) => {
        const path = times[fact % times.length] ?? "now";
        return replaceAt(facts, path.split("."), now - (offsets[offset % offsets.length] ?? 0) + by) as Facts;
      }, input);
      expect(unsound(entrypoint, moved, mode, suspicions(moved, 60, seed))).toBeUndefined();
    }),
    { numRuns: Number(process.env["CUTS_RUNS"] ?? 250) },
  );
}, 180_000);

/** Whether the answer changes at a cut of this input and no other cut falls on that moment. */
function matters(entrypoint: string, input: Facts, mode: Mode, name: string): boolean {
  const cuts = cutsOf(entrypoint, input, mode);
  const cut = cuts.find((candidate) => candidate.name === name);
  if (cut === undefined || cuts.some((other: Cut) => other.at === cut.at && other.name !== name))
    return false;
  return answerAt(entrypoint, input, cut.at - 1, mode) !== answerAt(entrypoint, input, cut.at, mode);
}

/** The second of the device's own day at which the question is asked. */
function secondOfDay(input: Facts): number {
  return (now + ((valuesAt(input, ["device", "ota", "tz_offset_s"])[0] as number) ?? 0)) % 86_400;
}

const names = Object.keys(twists);
const ofGateway = names.filter((name) => name.startsWith("gateway_") && name !== "gateway_class");
const ofDevice = names.filter((name) => !ofGateway.includes(name) && name !== "via");

function pairs(of: readonly string[]): string[][] {
  return of.flatMap((a, i) => of.slice(i).map((b) => [a, b]));
}

/** Twists that bring each cut into play, the likely ones first. */
const combinations: readonly (readonly string[])[] = [
  ...ofDevice.map((name) => [name]),
  ...ofGateway.flatMap((name) => [
    ["via", name],
    ["via", "mgmt_endpoint", name],
    ["via", "gateway_key", name],
  ]),
  ...pairs(ofDevice),
  ...pairs(ofGateway).flatMap((pair) => [
    ["via", ...pair],
    ["via", "gateway_key", ...pair],
  ]),
];

it.each(models)(
  "every cut of %s matters: dropping it would be caught",
  (model) => {
    for (const entrypoint of entrypoints) {
      const none: Cuts = { time: [] };
      const { time, daily = [], lag = [], age = [], skew = [] } = cutTable[model]?.[entrypoint] ?? none;
      const wanted = new Set([
        ...time.flatMap(({ fact, at: list, plus }) => list.map((offset) => cutName(fact, offset, plus))),
        ...daily.map(({ fact }) => `daily ${fact}`),
        ...lag.map((offset) => `lag ${offset}`),
        ...age.map((offset) => `age ${offset}`),
        ...skew.map((offset) => `skew ${offset}`),
      ]);
      for (const combination of combinations) {
        for (const stream of streams) {
          if (wanted.size === 0) break;
          const facts = twisted(model, entrypoint, stream, combination);
          const input = inputOf(entrypoint, {
            ...facts,
            request: { device_time: now, ...(facts["request"] as Facts) },
          });
          if (input === undefined) continue;
          for (const name of wanted) {
            const [fact = "", offset = "0", plus] = name.split(" ");
            const measured = differences.find(([difference]) => difference === fact)?.[1];
            const more = plus === undefined ? 0 : ((valuesAt(input, plus.split("."))[0] as number) ?? 0);
            const aligned =
              fact === "daily"
                ? (replaceAt(input, offset.split("."), secondOfDay(input)) as Facts)
                : (replaceAt(input, (measured ?? fact).split("."), now - Number(offset) - more) as Facts);
            if (matters(entrypoint, aligned, measured === undefined ? "step" : "alone", name))
              wanted.delete(name);
          }
        }
      }
      expect([...wanted], entrypoint).toEqual([]);
    }
  },
  180_000,
);

it("where no model is known only the registry's lag counts", () => {
  const facts = { ...twisted("device_pki", "connect", "ops", []), device: null, tenant: null };
  const input = inputOf("connect", facts);
  expect(input).toBeDefined();
  if (input === undefined) return;
  expect(
    matters("connect", { ...input, registry: { synced: true, watermark: now - 31 } }, "alone", "lag 31"),
  ).toBe(true);
  expect(unsound("connect", input, "alone", suspicions(input, 400, 1))).toBeUndefined();
});
