/** URIs as Go's `net/url` parses them, and UUIDs. */
import { fromBigInt } from "../numeral.ts";
import type { Term } from "../term.ts";
import type { BuiltinTable } from "./builtin.ts";
import { parseUrl } from "./go-url.ts";
import { mapOf, type TermMap, text } from "./operands.ts";

const bytesOf = (text: string): string => Buffer.from(text).toString("latin1");
const textOf = (bytes: string): string => Buffer.from(bytes, "latin1").toString();

/** The parts that are there. A host's brackets and a port that is empty are no part of it. */
function parseUri(uri: string): TermMap {
  const { Scheme, Host, Path, RawPath, RawQuery, Fragment } = parseUrl(bytesOf(uri));
  const [, name = "", port = ""] = /^(.*?)(?::(\d*))?$/s.exec(Host) ?? [];
  const parts = {
    scheme: Scheme,
    hostname: name.startsWith("[") ? name.slice(1, -1) : name,
    port,
    path: Path,
    raw_path: RawPath === "" ? Path : RawPath,
    raw_query: RawQuery,
    fragment: Fragment,
  };
  return mapOf(
    Object.entries(parts)
      .filter(([, part]) => part !== "")
      .map(([key, part]) => [key, textOf(part)]),
  );
}

const uuidForm = /^(?:urn:uuid:)?([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i;
const uuidBare = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i;
/** From 1582-10-15 to 1970-01-01 in units of 100 ns. */
const gregorian = 122_192_928_000_000_000n;
const domains: Readonly<Record<number, string>> = { 0: "Person", 1: "Group", 2: "Org" };

function variant(byte: number): string {
  if ((byte & 0xc0) === 0x80) return "RFC4122";
  if ((byte & 0xe0) === 0xc0) return "Microsoft";
  return (byte & 0xe0) === 0xe0 ? "Future" : "Reserved";
}

function parseUuid(value: string): Term | undefined {
  const inner = /^.[0-9a-f-]{36}.$/i.test(value) ? value.slice(1, -1) : value;
  const found = uuidForm.exec(inner) ?? uuidBare.exec(inner);
  if (found === null) return undefined;
  const [, low, middle, high, clock, node] = found as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const version = Number.parseInt(high.slice(0, 1), 16);
  const fields: [Term, Term][] = [
    ["variant", variant(Number.parseInt(clock.slice(0, 2), 16))],
    ["version", version],
  ];
  if (version === 1 || version === 2) {
    const time = (BigInt(`0x${high.slice(1)}`) << 48n) | (BigInt(`0x${middle}`) << 32n) | BigInt(`0x${low}`);
    const first = Number.parseInt(node.slice(0, 2), 16) & 3;
    fields.push(
      ["clocksequence", Number.parseInt(clock, 16) & 0x3fff],
      [
        "macvariables",
        ["global:unicast", "global:multicast", "local:unicast", "local:multicast"][first] as string,
      ],
      ["nodeid", (node.toLowerCase().match(/../g) as string[]).join("-")],
      ["time", fromBigInt((time - gregorian) * 100n)],
    );
  }
  if (version === 2) {
    const domain = Number.parseInt(clock.slice(2), 16);
    fields.push(["domain", domains[domain] ?? `Domain${domain}`], ["id", Number.parseInt(low, 16)]);
  }
  return mapOf(fields);
}

/** `uri.*` and `uuid.parse`. */
export const uriBuiltins: BuiltinTable = {
  "uri.parse": (uri) => parseUri(text(uri)),
  "uri.is_valid": (uri) => {
    if (typeof uri !== "string" || uri === "") return false;
    try {
      return parseUri(uri) !== undefined;
    } catch {
      return false;
    }
  },
  "uuid.parse": (value) => parseUuid(text(value)),
};
