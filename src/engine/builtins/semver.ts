/** Semantic versions, SemVer 2.0.0, with or without a leading `v`. */
import type { BuiltinTable } from "./builtin.ts";
import { text } from "./operands.ts";

const grammar =
  /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;

interface Version {
  readonly core: readonly bigint[];
  readonly early: readonly string[];
}

function parse(version: string): Version | undefined {
  const found = grammar.exec(version);
  if (found === null) return undefined;
  const core = found.slice(1, 4).map(BigInt);
  // OPA holds them in 64 bits.
  if (core.some((part) => BigInt.asIntN(64, part) !== part)) return undefined;
  return { core, early: found[4]?.split(".") ?? [] };
}

const order = <T extends bigint | string | number>(left: T, right: T): number =>
  left === right ? 0 : left < right ? -1 : 1;

function compareParts(left: string, right: string): number {
  const [a, b] = [/^\d+$/.test(left), /^\d+$/.test(right)];
  if (a && b) return order(BigInt(left), BigInt(right));
  return a === b ? order(left, right) : a ? -1 : 1;
}

function compare(left: Version, right: Version): number {
  for (const [index, part] of left.core.entries()) {
    const found = order(part, right.core[index] as bigint);
    if (found !== 0) return found;
  }
  if (left.early.length === 0 || right.early.length === 0)
    return order(right.early.length, 0) - order(left.early.length, 0);
  for (const [index, part] of left.early.entries()) {
    const other = right.early[index];
    if (other === undefined) return 1;
    const found = compareParts(part, other);
    if (found !== 0) return found;
  }
  return order(left.early.length, right.early.length);
}

/** `semver.*`. */
export const semverBuiltins: BuiltinTable = {
  "semver.compare": (left, right) => {
    const [a, b] = [parse(text(left)), parse(text(right))];
    return a === undefined || b === undefined ? undefined : compare(a, b);
  },
  "semver.is_valid": (version) => typeof version === "string" && parse(version) !== undefined,
};
