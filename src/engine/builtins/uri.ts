/** URIs as Go's `net/url` parses them, and UUIDs. */
import { fromBigInt } from "../numeral.ts";
import type { Term } from "../term.ts";
import type { BuiltinTable } from "./builtin.ts";
import { mapOf, text } from "./operands.ts";

const broken = (): never => {
  throw new TypeError("not a URI");
};

const checkEscapes = (part: string): string => (/%(?![0-9a-fA-F]{2})/.test(part) ? broken() : part);
const bytes = (part: string): string =>
  Buffer.from(
    checkEscapes(part).replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    "latin1",
  ).toString();
const decode = (part: string): string =>
  part.includes("%") ? bytes(Buffer.from(part).toString("latin1")) : part;

/** Symbols that Go leaves alone in a path. */
const pathSafe = /^[A-Za-z0-9\-_.~$&+,/:;=@]$/;
const encodePath = (path: string): string =>
  Array.from(path, (symbol) =>
    pathSafe.test(symbol)
      ? symbol
      : Array.from(
          Buffer.from(symbol),
          (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
        ).join(""),
  ).join("");

interface Uri {
  scheme?: string;
  hostname?: string;
  port?: string;
  path?: string;
  raw_path?: string;
  raw_query?: string;
  fragment?: string;
}

function authority(part: string): Pick<Uri, "hostname" | "port"> {
  const at = part.lastIndexOf("@");
  if (at >= 0 && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(part.slice(0, at))) broken();
  if (at >= 0) checkEscapes(part.slice(0, at));
  const host = part.slice(at + 1);
  const found = /^(\[[^\]]*\]|[^:[]*)(?::(\d*))?$/.exec(host) ?? broken();
  const name = (found as RegExpExecArray)[1] as string;
  const port = (found as RegExpExecArray)[2];
  // In a host only what is no ASCII may be escaped.
  if (/[\s<>"^`{}|\\]|%[0-7]/.test(name.replace(/^\[.*\]$/, ""))) broken();
  const hostname = name.startsWith("[") ? name.slice(1, -1).replace("%25", "%") : decode(name);
  return { ...(hostname === "" ? {} : { hostname }), ...(port ? { port } : {}) };
}

function parseUri(uri: string): Uri {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u001f\u007f]/.test(uri)) broken();
  const result: Uri = {};
  const [before, fragment] = uri.split(/#(.*)/s, 2) as [string, string?];
  if (fragment) result.fragment = decode(fragment);
  let rest = before;
  if (rest.startsWith(":")) broken();
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(rest);
  if (scheme !== null) {
    result.scheme = (scheme[1] as string).toLowerCase();
    rest = rest.slice(scheme[0].length);
  }
  const query = rest.indexOf("?");
  if (query >= 0) {
    if (rest.length > query + 1) result.raw_query = rest.slice(query + 1);
    rest = rest.slice(0, query);
  }
  if (!rest.startsWith("/")) {
    if (scheme !== null) return result;
    if ((rest.split("/")[0] as string).includes(":")) broken();
  }
  if (rest.startsWith("//") && (scheme !== null || !rest.startsWith("///"))) {
    const end = rest.indexOf("/", 2);
    Object.assign(result, authority(rest.slice(2, end < 0 ? undefined : end)));
    rest = end < 0 ? "" : rest.slice(end);
  }
  if (rest === "") return result;
  result.path = decode(checkEscapes(rest));
  const differs = rest !== encodePath(result.path);
  result.raw_path = differs ? rest : result.path;
  return result;
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
  "uri.parse": (uri) => mapOf(Object.entries(parseUri(text(uri))) as [string, string][]),
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
