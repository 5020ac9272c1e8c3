/** Whether the names of a chain keep to its name constraints (RFC 5280, 6.1.4), as Go judges it. */
import { isIP } from "node:net";
import type { GoUrl } from "../builtins/go-url.ts";
import type { Certificate } from "./certificate.ts";
import { isDomain, type Mailbox, readMailbox } from "./domain.ts";
import type { NameConstraints, Network, Subtrees } from "./name-constraints.ts";

const lower = (text: string): string => text.toLowerCase();

/** Whether a constraint covers a domain: itself or what is below; with a leading dot, only what is below. */
function covers(constraint: string, name: string): boolean {
  const [wanted, own] = [lower(constraint), lower(name)];
  if (wanted === "" || wanted === own) return true;
  return own.endsWith(wanted.startsWith(".") ? wanted : `.${wanted}`);
}

/** A pattern is excluded as well where something that it matches is. */
function excludes(constraint: string, name: string): boolean {
  if (covers(constraint, name)) return true;
  const [dot, own] = [constraint.indexOf("."), name.indexOf(".")];
  return (
    dot >= 0 && own > 0 && name.startsWith("*") && lower(name.slice(own)) === lower(constraint.slice(dot))
  );
}

const contains = ({ ip, mask }: Network, address: Uint8Array): boolean =>
  ip.length === address.length &&
  ip.every((byte, at) => (byte & (mask[at] ?? 0)) === ((address[at] ?? 0) & (mask[at] ?? 0)));

/** The host that constraints of URIs speak of; undefined where there is none, or it is an address. */
function hostOf({ Host }: GoUrl): string | undefined {
  const host = lower(Host).replace(/:\d*$/, "");
  return host === "" || /[:[]/.test(host) || isIP(host) !== 0 ? undefined : host;
}

type Covers = (constraint: string, name: string) => boolean;
const mailboxCovers =
  (domains: Covers) =>
  (constraint: string, { local, domain }: Mailbox): boolean => {
    if (!constraint.includes("@")) return domains(constraint, domain);
    const exact = readMailbox(constraint);
    return exact?.local === local && lower(exact.domain) === domain;
  };

/** Whether names are permitted and not excluded. */
function keep<Constraint, Own>(
  names: readonly Own[],
  { permitted, excluded }: NameConstraints,
  of: (subtrees: Subtrees) => readonly Constraint[],
  within: (constraint: Constraint, name: Own) => boolean,
  without: (constraint: Constraint, name: Own) => boolean = within,
): boolean {
  const inside = of(permitted);
  return names.every(
    (name) =>
      (inside.length === 0 || inside.some((each) => within(each, name))) &&
      !of(excluded).some((each) => without(each, name)),
  );
}

/** Names times constraints beyond which a chain is refused: Go's own limit while it compared each with each. */
const maxComparisons = 250_000;

const sizeOf = ({ permitted, excluded }: NameConstraints): number =>
  [permitted, excluded]
    .flatMap(({ dns, ips, emails, uris }) => [dns, ips, emails, uris])
    .reduce((sum, list) => sum + list.length, 0);

/** Whether a certificate's names keep to the constraints of those above it. */
function keepsTo({ names }: Certificate, above: readonly NameConstraints[]): boolean {
  const count = names.dns.length + names.emails.length + names.ips.length + names.uris.length;
  if (above.reduce((sum, one) => sum + sizeOf(one), 0) * count > maxComparisons) return false;
  const hosts = names.uris.map(hostOf).filter((host) => host !== undefined);
  const mailboxes = names.emails
    .map(readMailbox)
    .filter((each) => each !== undefined)
    .map(({ local, domain }) => ({ local, domain: lower(domain) }));
  if (hosts.length < names.uris.length || mailboxes.length < names.emails.length) return false;
  const domains = [...names.dns, ...hosts, ...mailboxes.map(({ domain }) => domain)];
  return above.every(
    (one) =>
      domains.every((name) => isDomain(name, false)) &&
      keep(names.ips, one, ({ ips }) => ips, contains) &&
      keep(names.dns, one, ({ dns }) => dns, covers, excludes) &&
      keep(hosts, one, ({ uris }) => uris, covers, excludes) &&
      keep(mailboxes, one, ({ emails }) => emails, mailboxCovers(covers), mailboxCovers(excludes)),
  );
}

const has = ({ extensions }: Certificate, id: string): boolean =>
  extensions.some(({ Id }) => Id.join(".") === id);

/** Whether every certificate of a chain, the leaf first, keeps to the constraints of all above it. */
export const keepsConstraints = (chain: readonly Certificate[]): boolean =>
  chain.every((one, at) => {
    if (!has(one, "2.5.29.17")) return true;
    const above = chain.slice(at + 1).filter((each) => has(each, "2.5.29.30"));
    return (
      above.length === 0 ||
      keepsTo(
        one,
        above.map(({ constraints }) => constraints),
      )
    );
  });
