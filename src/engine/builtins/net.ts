/** Networks: addresses as numbers, IPv4 mapped into IPv6 where Go does so. Nothing is looked up. */
import { isIPv4, isIPv6 } from "node:net";
import type { Term } from "../term.ts";
import type { Builtin, BuiltinTable } from "./builtin.ts";
import { isArray, isMap, isSet, members, setOf, text } from "./operands.ts";

interface Network {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly last: bigint;
}

const v4 = (address: string): bigint =>
  address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);

function v6(address: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (dotted !== null) {
    const low = v4(dotted[2] as string);
    return v6(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`);
  }
  const [head = "", tail] = address.split("::");
  const words = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const [before, after] = [words(head), words(tail ?? "")];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after].reduce((sum, word) => sum * 65_536n + BigInt(`0x${word}`), 0n);
}

const mapped = 0xffffn << 32n;

function network(text_: string): Network {
  const found = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text_);
  const address = found?.[1] ?? "";
  const length = Number(found?.[2]);
  const bits = isIPv4(address) ? 32 : 128;
  if (found === null || length > bits || (bits === 128 && (!isIPv6(address) || address.includes("%")))) {
    throw new TypeError("not a network");
  }
  const host = (1n << BigInt(bits - length)) - 1n;
  const value = bits === 32 ? v4(address) : v6(address);
  const first = (value | host) ^ host;
  return { bits, first, last: first | host };
}

/** An address, IPv4 also where it is mapped. */
function address(text_: string): Network | undefined {
  if (isIPv4(text_)) return single(32, v4(text_));
  if (!isIPv6(text_) || text_.includes("%")) return undefined;
  const value = v6(text_);
  return value >> 32n === 0xffffn ? single(32, value - mapped) : single(128, value);
}

const single = (bits: 32 | 128, value: bigint): Network => ({ bits, first: value, last: value });

const contains = (outer: Network, inner: Network): boolean =>
  outer.bits === inner.bits && outer.first <= inner.first && inner.last <= outer.last;

function write(value: bigint, bits: 32 | 128): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
  if (value >> 32n === 0xffffn) return write(value - mapped, 32);
  const words = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  const joined = words.join(":");
  const runs = [...joined.matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)];
  const longest = runs.sort((a, b) => b[0].length - a[0].length)[0];
  if (longest === undefined) return joined;
  const before = joined.slice(0, longest.index).replace(/:$/, "");
  return `${before}::${joined.slice(longest.index + longest[0].length).replace(/^:/, "")}`;
}

/** Members with what names them: the string itself, or an index, a member of a set, a key. */
function named(term: Term | undefined): readonly (readonly [string, Term])[] {
  const first = (item: Term): string => text(isArray(item) ? item[0] : item);
  if (typeof term === "string") return [[term, term]];
  if (isArray(term)) return term.map((item, index) => [first(item), index]);
  if (isSet(term)) return Array.from(term, (item) => [first(item), item]);
  if (isMap(term)) return Array.from(term, ([key, item]) => [first(item), key]);
  throw new TypeError("not networks");
}

const matches: Builtin = (outer, inner) => {
  const found: Term[] = [];
  const inside = named(inner).map(([value, name]) => [address(value) ?? network(value), name] as const);
  for (const [value, name] of named(outer)) {
    const wide = network(value);
    for (const [narrow, other] of inside) if (contains(wide, narrow)) found.push([name, other]);
  }
  return setOf(found);
};

/** Most addresses that one call may list: it is memory that a policy asks for. */
const maxAddresses = 1n << 20n;

const expand: Builtin = (cidr) => {
  const { first, last, bits } = network(text(cidr));
  if (last - first >= maxAddresses) throw new RangeError("too many addresses");
  return setOf(
    Array.from({ length: Number(last - first) + 1 }, (_, index) => write(first + BigInt(index), bits)),
  );
};

/** A network or an IPv4 address, which stands for its class, as in OPA. */
function mergeable(text_: string): Network {
  const one = address(text_);
  if (one === undefined) return network(text_);
  if (one.bits !== 32) throw new TypeError("an IPv6 address needs a prefix length");
  const top = Number(one.first >> 24n);
  const length = top < 128 ? 8 : top < 192 ? 16 : top < 224 ? 24 : 32;
  return network(`${write(one.first, 32)}/${length}`);
}

/** The fewest networks that cover a range exactly. */
function cover({ first, last, bits }: Network): string[] {
  const list: string[] = [];
  for (let at = first; at <= last; ) {
    let size = 0n;
    while (size < BigInt(bits) && at % (1n << (size + 1n)) === 0n && at + (1n << (size + 1n)) - 1n <= last)
      size++;
    list.push(`${write(at, bits)}/${BigInt(bits) - size}`);
    at += 1n << size;
  }
  return list;
}

const merge: Builtin = (term) => {
  const networks = members(term).map((item) => mergeable(text(item)));
  const merged: Network[] = [];
  const order = (a: Network, b: Network): number =>
    a.bits - b.bits || (a.first < b.first ? -1 : a.first > b.first ? 1 : 0);
  for (const next of networks.sort(order)) {
    const last = merged.at(-1);
    if (last === undefined || last.bits !== next.bits || last.last + 1n < next.first) merged.push(next);
    else if (next.last > last.last) merged[merged.length - 1] = { ...last, last: next.last };
  }
  return setOf(merged.flatMap(cover));
};

/** `net.*` that the module lacks. */
export const netBuiltins: BuiltinTable = {
  "net.cidr_contains_matches": matches,
  "net.cidr_expand": expand,
  "net.cidr_merge": merge,
  "net.cidr_is_valid": (cidr) => {
    try {
      return network(text(cidr)) !== undefined;
    } catch {
      return false;
    }
  },
};
