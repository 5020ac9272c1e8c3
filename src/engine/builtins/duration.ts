/** Go's durations, with OPA's days, weeks and years. */

const hour = 3_600_000_000_000n;
const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: hour,
  d: 24n * hour,
  w: 168n * hour,
  y: 8760n * hour,
};

/** Nanoseconds of a duration such as `1w2d`, `-1.5h` or `300ms`. @throws TypeError, RangeError beyond 64 bits */
export function durationOf(text: string): bigint {
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  const body = text.slice(sign.length);
  if (body === "0") return 0n;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|[smhdwy]))+$/.test(body))
    throw new TypeError("not a duration");
  let total = 0n;
  for (const [, whole = "", fraction = "", unit] of body.matchAll(
    /(\d*)\.?(\d*)(ns|us|µs|μs|ms|[smhdwy])/g,
  )) {
    const scale = units[unit as string] as bigint;
    total += BigInt(whole || "0") * scale;
    if (fraction !== "") total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  const value = sign === "-" ? -total : total;
  if (BigInt.asIntN(64, value) !== value) throw new RangeError("beyond 64 bits");
  return value;
}
