import fc from "fast-check";
import { expect, it } from "vitest";
import { uriBuiltins } from "../../src/engine/builtins/uri.ts";
import { certificateBuiltins } from "../../src/engine/builtins/x509.ts";
import { compareTerms, formatTerm, parseTerm, type Term } from "../../src/engine/term.ts";
import { describeWithOpa, runOpa } from "../opa.ts";
import { certificate, write } from "./x509-writers.ts";

const words =
  "http: https: urn: a+b.c-1: 1a: : // / ? # @ [ ] [::1] [fe80::1%25en0] %41 %2F %c3%bc %zz % host h.example 10.0.0.1 " +
  ":80 :x u:p ü * . .. &= + ,; '() !$ ~-_ <> \" \\ ^`{|} 日本";
const pieces = words.split(" ").concat("a b", "\u0001", "\u007f");
const uri = fc.array(fc.constantFrom(...pieces), { maxLength: 7 }).map((parts) => parts.join(""));
const parse = "crypto.x509.parse_certificates";

function call(name: "uri.parse" | "uri.is_valid", of: string): Term | undefined {
  try {
    return uriBuiltins[name]?.(of);
  } catch {
    return undefined;
  }
}

describeWithOpa("URIs are parsed and written as OPA does it", () => {
  const uris = [...new Set(fc.sample(uri, { numRuns: 3000, seed: 7 }))];
  const same = (own: Term | undefined, theirs: Term | undefined, about: string): void => {
    const alike =
      own === undefined || theirs === undefined ? own === theirs : compareTerms(own, theirs) === 0;
    const shown = (term: Term | undefined): string => (term === undefined ? "undefined" : formatTerm(term));
    expect(alike, `${JSON.stringify(about)}: ${shown(own)}, by OPA ${shown(theirs)}`).toBe(true);
  };
  const ask = (query: string, input: readonly string[]): readonly (readonly Term[])[] =>
    parseTerm(runOpa(["eval", "-f", "raw", "--stdin-input", query], JSON.stringify(input))) as never;

  it.each(["uri.parse", "uri.is_valid"] as const)("%s", (name) => {
    const told = ask(`[[x | x := ${name}(v)] | some v in input]`, uris);
    for (const [at, of] of uris.entries()) same(call(name, of), told[at]?.[0], of);
    expect(told.filter((each) => each.length > 0 && each[0] !== false).length).toBeGreaterThan(500);
  });

  it("in certificates, with the text that Go makes of them", () => {
    const ascii = uris.filter((each) => Buffer.byteLength(each) === each.length).slice(0, 1200);
    const sources = ascii.map((each) => certificate({ extensions: [write.uris(each)] }).toString("base64"));
    const told = ask(`[[[c.URIs, c.URIStrings] | some c in ${parse}(v)] | some v in input]`, sources);
    let read = 0;
    for (const [at, of] of ascii.entries()) {
      const [own] = (certificateBuiltins[parse]?.(sources[at] as string) ?? []) as readonly ReadonlyMap<
        string,
        Term
      >[];
      const [theirs] = told[at] ?? [];
      if (own !== undefined) read += 1;
      same(own && [own.get("URIs") as Term, own.get("URIStrings") as Term], theirs, of);
    }
    expect(read).toBeGreaterThan(200);
  });
});

it("a URI is parsed without OPA", () => {
  expect(formatTerm(call("uri.parse", "https://h.example:8443/a%2Fb") as Term)).toContain(
    '"raw_path": "/a%2Fb"',
  );
});
