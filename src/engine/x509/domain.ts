/** Domain names and mailboxes as Go's `crypto/x509` judges them. */

/** Whether a text may stand where a domain name is wanted; a constraint may begin with a dot. */
export function isDomain(name: string, constraint: boolean): boolean {
  if (name === "") return true;
  const labels = (constraint && name.startsWith(".") ? name.slice(1) : name).split(".");
  return labels.every((label) => /^[\x21-\x7e]+$/.test(label));
}

/** A mailbox of RFC 2821, its local part without quotes. */
export interface Mailbox {
  readonly local: string;
  readonly domain: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a quoted local part may hold them
const quoted = /^"((?:\\[\x01-\x09\x0b\x0c\x0e-\x7f]|[\x01-\x08\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f])*)"@/;
// An escape is read in one way only: a text cannot make the search go back and forth.
const dotted = /^((?:[\w!#$%&'*+\-/=?^`{|}~.]|\\.)+)@/s;

/** Reads a mailbox; undefined where it is none. */
export function readMailbox(text: string): Mailbox | undefined {
  const found = (text.startsWith('"') ? quoted : dotted).exec(text);
  if (found === null) return undefined;
  const local = (found[1] as string).replace(/\\(.)/gs, "$1");
  const domain = text.slice(found[0].length);
  const unsound = !text.startsWith('"') && (/^\.|\.$|\.\./.test(local) || local === "");
  if (unsound || domain.endsWith(".")) return undefined;
  if (domain !== "" && !domain.split(".").every((label) => /^[\x21-\x7e]+$/.test(label))) return undefined;
  return { local, domain };
}

const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** Whether a name is one of a host; a pattern may have `*` for its first label. */
function isHost(host: string, pattern: boolean): boolean {
  const name = pattern ? host : host.replace(/\.$/, "");
  if (name === "" || name === "*") return false;
  return name
    .split(".")
    .every(
      (label, at) => (pattern && at === 0 && label === "*") || /^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(label),
    );
}

/** Whether a DNS name of a certificate, which may be a pattern, is that of a host. */
export function namesHost(name: string, host: string): boolean {
  const wanted = lower(host);
  if (!isHost(wanted, false) || !isHost(name, true))
    return !["", "."].includes(name) && !["", "."].includes(wanted) && lower(name) === wanted;
  const labels = lower(name).split(".");
  const own = wanted.replace(/\.$/, "").split(".");
  return (
    labels.length === own.length &&
    labels.every((label, at) => (at === 0 && label === "*") || label === own[at])
  );
}
