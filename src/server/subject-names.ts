/** Names in a certificate, as Node lists them. */

/** URI and DNS SANs. */
export interface SubjectNames {
  readonly uris: readonly string[];
  readonly dns: readonly string[];
}

// One name: `TYPE:value`, where a value that could be mistaken for the next name is a JSON string.
const name = /^([^:"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/;

/**
 * Reads Node's `subjectaltname` (`URI:spiffe://a/b, DNS:c`). Quoted values, which no honest name needs, do not
 * count; a list that cannot be read holds no names.
 */
export function readNames(list: string): SubjectNames {
  const uris: string[] = [];
  const dns: string[] = [];
  let rest = list;
  while (rest !== "") {
    const [whole, type, value = ""] = name.exec(rest) ?? [];
    if (whole === undefined) return { uris: [], dns: [] };
    if (!value.startsWith('"')) {
      if (type === "URI") uris.push(value);
      else if (type === "DNS") dns.push(value);
    }
    rest = rest.slice(whole.length);
  }
  return { uris, dns };
}
