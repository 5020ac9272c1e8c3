/** URLs as Go's `net/url` parses and writes them. Texts are bytes, each a symbol of Latin-1. */
import { isIPv6 } from "node:net";

/** Go's structure. */
export interface GoUrl {
  readonly Scheme: string;
  readonly Opaque: string;
  /** The user's name and password, not escaped; Go's JSON tells that there is one, and nothing about it. */
  readonly User: { readonly name: string; readonly password: string | undefined } | null;
  readonly Host: string;
  readonly Path: string;
  readonly Fragment: string;
  readonly RawQuery: string;
  /** The path as it was written, where Go would write it in another way. */
  readonly RawPath: string;
  readonly RawFragment: string;
  readonly ForceQuery: boolean;
  readonly OmitHost: boolean;
}

/** Symbols that a part of a URL holds as they are. */
const plain = {
  host: /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/,
  path: /[A-Za-z0-9\-_.~$&+,/:;=@]/,
  user: /[A-Za-z0-9\-_.~$&+,;=]/,
  fragment: /[A-Za-z0-9\-_.~$&+,/:;=?@!()*]/,
} as const;
type Part = keyof typeof plain;

function refuse(): never {
  throw new TypeError("not a URL");
}

/** Takes escapes away. Of a host only bytes beyond ASCII may be escaped, and the sign that begins a zone. */
function unescaped(text: string, part: Part | "zone"): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) refuse();
  if (part === "host" && /%(?!25)[0-7]/.test(text)) refuse();
  const bare = text.replace(/%../g, "");
  if (
    (part === "host" || part === "zone") &&
    Array.from(bare).some((each) => each < "\x80" && !plain.host.test(each))
  )
    refuse();
  return text.replace(/%(..)/g, (_, hex: string) => {
    const byte = String.fromCharCode(Number.parseInt(hex, 16));
    if (part === "zone" && hex !== "25" && byte !== " " && !plain.host.test(byte)) refuse();
    return byte;
  });
}

const escaped = (bytes: string, part: Part): string =>
  Array.from(bytes)
    .map((each) =>
      plain[part].test(each) ? each : `%${each.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
    )
    .join("");

/** A literal address in brackets, with its zone. */
function bracketed(host: string): string {
  const end = host.lastIndexOf("]");
  const port = host.slice(end + 1);
  if (end < 0 || !/^(?::\d*)?$/.test(port)) refuse();
  const name = host.slice(1, end);
  const zone = name.indexOf("%25");
  const address =
    zone < 0
      ? unescaped(name, "host")
      : unescaped(name.slice(0, zone), "host") + unescaped(name.slice(zone), "zone");
  const [bare = "", ...rest] = address.split("%");
  if (!isIPv6(bare) || (address.includes("%") && rest.join("%") === "")) refuse();
  return `[${address}]${port}`;
}

function hostOf(scheme: string, host: string): string {
  const bracket = host.lastIndexOf("[");
  if (bracket > 0) refuse();
  if (bracket === 0) return bracketed(host);
  const strict = scheme === "http" || scheme === "https";
  const colon = strict ? host.indexOf(":") : host.lastIndexOf(":");
  if (colon >= 0 && !/^:\d*$/.test(host.slice(colon))) refuse();
  return unescaped(host, "host");
}

function userOf(text: string): GoUrl["User"] {
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(text)) refuse();
  const colon = text.indexOf(":");
  if (colon < 0) return { name: unescaped(text, "user"), password: undefined };
  return {
    name: unescaped(text.slice(0, colon), "user"),
    password: unescaped(text.slice(colon + 1), "user"),
  };
}

/** A text without escapes, and how it was written where that is not how Go would write it. */
function written(text: string, part: Part): readonly [string, string] {
  const bytes = unescaped(text, part);
  return [bytes, escaped(bytes, part) === text ? "" : text];
}

const cut = (text: string, symbol: string): readonly [string, string] => {
  const at = text.indexOf(symbol);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
};

/** Parses a URL or a reference. @throws TypeError where Go refuses it */
export function parseUrl(bytes: string): GoUrl {
  const [before, fragment] = cut(bytes, "#");
  const [Fragment, RawFragment] = written(fragment, "fragment");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\x00-\x1f\x7f]/.test(before) || before.startsWith(":")) refuse();
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(before)?.[1] ?? "";
  const Scheme = scheme.toLowerCase();
  const [hierarchy, RawQuery] = cut(scheme === "" ? before : before.slice(scheme.length + 1), "?");
  const ForceQuery = RawQuery === "" && before.endsWith("?");
  const none = { Scheme, Opaque: "", User: null, Host: "", Path: "", RawPath: "", OmitHost: false };
  const base = { ...none, Fragment, RawFragment, RawQuery, ForceQuery };
  if (before === "*") return { ...base, Path: "*" };
  if (!hierarchy.startsWith("/")) {
    if (scheme !== "") return { ...base, Opaque: hierarchy };
    if (cut(hierarchy, "/")[0].includes(":")) refuse();
  }
  if (!hierarchy.startsWith("//") || (scheme === "" && hierarchy.startsWith("///"))) {
    const [Path, RawPath] = written(hierarchy, "path");
    return { ...base, Path, RawPath, OmitHost: scheme !== "" };
  }
  const slash = hierarchy.indexOf("/", 2);
  const authority = hierarchy.slice(2, slash < 0 ? undefined : slash);
  const [Path, RawPath] = written(slash < 0 ? "" : hierarchy.slice(slash), "path");
  const at = authority.lastIndexOf("@");
  const User = at < 0 ? null : userOf(authority.slice(0, at));
  return { ...base, User, Host: hostOf(Scheme, authority.slice(at + 1)), Path, RawPath };
}

/** How Go writes a part: as it was written where that is allowed, else escaped anew. */
const rewritten = (raw: string, bytes: string, part: Part): string =>
  raw !== "" && Array.from(raw).every((each) => plain[part].test(each) || /[!'()*[\]%:@=;,+&$]/.test(each))
    ? raw
    : escaped(bytes, part);

/** Writes a URL. */
export function urlText(url: GoUrl): string {
  const { Scheme, Opaque, User, Host, Path, RawPath, RawQuery, ForceQuery, Fragment, RawFragment } = url;
  const user =
    User === null
      ? ""
      : `${escaped(User.name, "user")}${User.password === undefined ? "" : `:${escaped(User.password, "user")}`}@`;
  const path = Path === "*" ? Path : rewritten(RawPath, Path, "path");
  const hasHost = Host !== "" || User !== null;
  const slashes = hasHost || (Scheme !== "" && !url.OmitHost && Path !== "") ? "//" : "";
  const gap = Host !== "" && path !== "" && !path.startsWith("/") ? "/" : "";
  const dot = Scheme === "" && !hasHost && cut(path, "/")[0].includes(":") ? "./" : "";
  const rest = Opaque !== "" ? Opaque : `${slashes}${user}${escaped(Host, "host")}${gap}${dot}${path}`;
  const query = ForceQuery || RawQuery !== "" ? `?${RawQuery}` : "";
  const fragment = Fragment === "" ? "" : `#${rewritten(RawFragment, Fragment, "fragment")}`;
  return `${Scheme === "" ? "" : `${Scheme}:`}${rest}${query}${fragment}`;
}
