import type { Mutants } from "./mutant.ts";

const tape = "src/registry/read-tape.ts";
const plan = "src/registry/text-plan.ts";
const device = "src/registry/tape-device.ts";

export const law: Mutants = {
  test: "test/laws/quick-devices.test.ts",
  mutants: [
    {
      what: "a member may stand twice",
      file: tape,
      find: "      if (this.cells[base + index] !== absent) throw notPlain;\n",
      replace: "",
    },
    {
      what: "what is required may be absent",
      file: tape,
      find: "if (this.cells[base + (required[index] as number)] === absent) throw notPlain;",
      replace: "continue;",
    },
    {
      what: "a key of a map may stand twice",
      file: tape,
      find: " || this.#isKnown(name, head, count)",
      replace: "",
    },
    {
      what: "keys that are numbers stand where they stood",
      file: tape,
      find: " || this.#isIndex(name)",
      replace: "",
    },
    {
      what: "numbers may begin with zeros",
      file: tape,
      find: " || (bytes[start] === 0x30 && digits > 1)",
      replace: "",
    },
    {
      what: "numbers may be of any size",
      file: tape,
      find: "    if (signed < place.least || signed > place.most) throw notPlain;\n",
      replace: "",
    },
    {
      what: "what follows the record is not looked at",
      file: tape,
      find: "return this.#at === end ? cell : undefined;",
      replace: "return cell;",
    },
    {
      what: "texts may be longer than the schema has it",
      file: tape,
      find: " || length > place.most || length > longest",
      replace: " || length > longest",
    },
    {
      what: "texts may be empty",
      file: tape,
      find: " || length < place.least",
      replace: "",
    },
    {
      what: "a text may begin with anything",
      file: tape,
      find: "    if (length > 0 && place.first[bytes[start] as number] !== 1) throw notPlain;\n",
      replace: "",
    },
    {
      what: "every word is the first",
      file: tape,
      find: "        return index;\n      }\n    }\n    throw notPlain;\n  }\n\n  #flag",
      replace: "        return 0;\n      }\n    }\n    throw notPlain;\n  }\n\n  #flag",
    },
    {
      what: "words that only begin so are words",
      file: tape,
      find: "bytes[end] === 0x22 && this.#stands",
      replace: "this.#stands",
    },
    {
      what: "only whole fours of a name are compared",
      file: tape,
      find: "for (index *= 4; index < what.length; index++) if (bytes[at + index] !== what[index]) return false;",
      replace: "",
    },
    {
      what: "backslashes stand for themselves",
      file: plan,
      find: " && code !== 0x5c",
      replace: "",
    },
    {
      what: "any character may stand in an id",
      file: plan,
      find: "characters(isSafeId)",
      replace: "characters(() => true)",
    },
    {
      what: "a list may be as long as it likes",
      file: plan,
      find: "schema.maxItems ?? Number.POSITIVE_INFINITY",
      replace: "Number.POSITIVE_INFINITY",
    },
    {
      what: "a gateway needs not say how many children it has",
      file: device,
      find: "!has(base, device.children) || !has(base, device.max_children)",
      replace: "false",
    },
    {
      what: "firmware may be absent",
      file: device,
      find: "else if (!has(base, device.firmware) && told !== toldByDevice) return false;",
      replace: "else if (told === -1) return false;",
    },
    {
      what: "credentials may end before they begin",
      file: device,
      find: "if (isBefore(heldIn(item), credential.not_after, credential.not_before)) return false;",
      replace: "",
    },
    {
      what: "attestation that nobody signed is taken where only signed one counts",
      file: device,
      find: "signedOnly || isBefore",
      replace: "isBefore",
    },
    {
      what: "support may end after the end of life",
      file: device,
      find: "return eol === 0 || cell(supported, support.support_ends_at) <= eol;",
      replace: "return true;",
    },
    {
      what: "the attested key is always written out",
      file: device,
      find: "const known = placeIn(credentials, fingerprint);",
      replace: "const known = placeIn(credentials, fingerprint) * 0;",
    },
    {
      what: "no number is unlike none",
      file: "src/registry/tape-words.ts",
      find: "at === absent ? 0 : at === nil ? 1 : 2",
      replace: "at === absent ? 0 : 2",
    },
  ],
};
