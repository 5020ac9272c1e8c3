/** Subject alternative names (RFC 5280, 4.2.1.6) as Go tells them. */

import { DerReader, malformed, tags } from "../../runtime/der.ts";
import { type GoUrl, parseUrl } from "../builtins/go-url.ts";
import { readAscii } from "./asn1.ts";
import { isDomain } from "./domain.ts";
import { orNull } from "./go-json.ts";

/** Names by kind; addresses are their 4 or 16 bytes. */
export interface AlternativeNames {
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  readonly ips: readonly Uint8Array[];
  readonly uris: readonly GoUrl[];
}

/** What a certificate without the extension has. */
export const noNames: AlternativeNames = { dns: [], emails: [], ips: [], uris: [] };

/** Reads the extension's value; kinds that Go does not know are passed over. */
export function readAlternativeNames(bytes: Uint8Array): AlternativeNames {
  const names = { dns: [] as string[], emails: [] as string[], ips: [] as Uint8Array[], uris: [] as GoUrl[] };
  for (const { tag, value } of new DerReader(new DerReader(bytes).next(tags.sequence).value).all()) {
    if (tag === 0x81) names.emails.push(readAscii({ value }));
    if (tag === 0x82) names.dns.push(readAscii({ value }));
    if (tag === 0x86) {
      const uri = parseUrl(readAscii({ value }));
      if (!isDomain(uri.Host, false)) throw malformed();
      names.uris.push(uri);
    }
    if (tag === 0x87) {
      if (value.length !== 4 && value.length !== 16) throw malformed();
      names.ips.push(value);
    }
  }
  return names;
}

/** An address as Go writes it: IPv6 by RFC 5952, an IPv4 inside it as IPv4. */
export function addressText(bytes: Uint8Array): string {
  const mapped = bytes.length === 16 && /^(?:00){10}ffff/.test(Buffer.from(bytes).toString("hex"));
  if (bytes.length === 4 || mapped) return bytes.subarray(-4).join(".");
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] as number) << 8) | (bytes[2 * at + 1] as number)).toString(16),
  );
  const [longest = ""] = (groups.join(":").match(/\b0(?::0)+\b/g) ?? []).sort((a, b) => b.length - a.length);
  const text = groups.join(":");
  return longest === "" ? text : text.replace(new RegExp(`(?:^|:)${longest}(?:$|:)`), "::");
}

const url = (one: GoUrl): object => ({
  ...Object.fromEntries(
    Object.entries(one).map(([name, part]) => [
      name,
      typeof part === "string" ? Buffer.from(part, "latin1").toString() : part,
    ]),
  ),
  User: one.User === null ? null : {},
});

/** The fields of Go's structures with alternative names. */
export const toldNames = ({ dns, emails, ips, uris }: AlternativeNames): object => ({
  DNSNames: orNull(dns),
  EmailAddresses: orNull(emails),
  IPAddresses: orNull(ips.map(addressText)),
  URIs: orNull(uris.map(url)),
});
