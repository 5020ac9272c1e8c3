/** Name constraints of a certificate (RFC 5280, 4.2.1.10). */
import { isIP } from "node:net";
import { DerReader, type Element, malformed, readOnly, tags } from "../../runtime/der.ts";
import { readAscii } from "./asn1.ts";
import { isDomain, readMailbox } from "./domain.ts";

/** A network: an address and its mask, of 4 or 16 bytes. */
export interface Network {
  readonly ip: Uint8Array;
  readonly mask: Uint8Array;
}

/** What is permitted, or what is excluded. */
export interface Subtrees {
  readonly dns: readonly string[];
  readonly ips: readonly Network[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

/** The constraints; `unhandled`: there are some of a kind that Go does not know. */
export interface NameConstraints {
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
  readonly unhandled: boolean;
}

const none: Subtrees = { dns: [], ips: [], emails: [], uris: [] };

/** What a certificate without the extension has. */
export const unconstrained: NameConstraints = { permitted: none, excluded: none, unhandled: false };

function domain(element: Element): string {
  const name = readAscii(element);
  if (!isDomain(name, true)) throw malformed();
  return name;
}

function network({ value }: Element): Network {
  if (value.length !== 8 && value.length !== 32) throw malformed();
  const half = value.length / 2;
  const mask = value.subarray(half);
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, "0")).join("");
  if (!/^1*0*$/.test(bits)) throw malformed();
  return { ip: value.subarray(0, half), mask };
}

function email(element: Element): string {
  const text = readAscii(element);
  if (text.includes("@") ? readMailbox(text) === undefined : !isDomain(text, true)) throw malformed();
  return text;
}

function uri(element: Element): string {
  if (isIP(readAscii(element)) !== 0) throw malformed();
  return domain(element);
}

function subtrees(element: Element | undefined): Subtrees & { readonly unhandled: boolean } {
  const bases =
    element === undefined
      ? []
      : new DerReader(element.value).all(tags.sequence).map(({ value }) => new DerReader(value).next());
  const of = <T>(tag: number, read: (base: Element) => T): T[] =>
    bases.filter((base) => base.tag === tag).map(read);
  return {
    dns: of(0x82, domain),
    ips: of(0x87, network),
    emails: of(0x81, email),
    uris: of(0x86, uri),
    unhandled: bases.some(({ tag }) => ![0x81, 0x82, 0x86, 0x87].includes(tag)),
  };
}

/** Reads the extension's value. */
export function readNameConstraints(bytes: Uint8Array): NameConstraints {
  const reader = new DerReader(readOnly(bytes, tags.sequence).value);
  const [inside, outside] = [reader.optional(0xa0), reader.optional(0xa1)];
  reader.end();
  if ((inside?.value.length ?? 0) + (outside?.value.length ?? 0) === 0) throw malformed();
  const { unhandled, ...permitted } = subtrees(inside);
  const { unhandled: other, ...excluded } = subtrees(outside);
  return { permitted, excluded, unhandled: unhandled || other };
}
