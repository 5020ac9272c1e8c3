/** Builtins against values that OPA 1.22 gave, one table by area; undefined is Rego's undefined. */
import { createHmac, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { builtins } from "../../src/engine/builtins.ts";
import { formatTerm, jsonText, parseTerm, type Term } from "../../src/engine/term.ts";
import { describeWithOpa, runOpa } from "../opa.ts";

/** 2026-01-01T00:00:00Z. */
const table = builtins({ input: () => '{"now":1767225600}' });

/** Calls with arguments in Rego's notation, and writes the result in it. */
function call(name: string, ...args: readonly string[]): string | undefined {
  const builtin = table[name];
  if (builtin === undefined) throw new Error(`no builtin ${name}`);
  let result: Term | undefined;
  try {
    result = builtin(...args.map(parseTerm));
  } catch {
    return undefined;
  }
  return result === undefined ? undefined : formatTerm(result);
}

type Row = readonly [name: string, args: readonly string[], expected: string | undefined];

const areas: Readonly<Record<string, readonly Row[]>> = {
  numbers: [
    ["numbers.range_step", ["1", "8", "3"], "[1, 4, 7]"],
    [
      "numbers.range_step",
      ["9007199254740993", "9007199254740991", "1"],
      "[9007199254740993, 9007199254740992, 9007199254740991]",
    ],
    ["numbers.range_step", ["1", "2", "0"], undefined],
  ],
  strings: [
    ["sprintf", ['"%s|%d|%v"', '["a", 123456789123456789123, {1, 2}]'], '"a|123456789123456789123|{1, 2}"'],
    ["sprintf", ['"%d"', '["a"]'], '"%!d(string=a)"'],
    ["strings.split_n", ['"a.b.c"', '"."', "2"], '["a", "b"]'],
    [
      "strings.render_template",
      ['"{{range $i, $n := .names}}{{if $i}},{{end}}{{$n}}{{end}} {{.none}}"', '{"names": ["a", "b"]}'],
      '"a,b <undefined>"',
    ],
    ["strings.render_template", ['"{{if}"', "{}"], undefined],
    ["indexof_n", ['"aéaéa"', '"éa"'], "[1, 3]"],
  ],
  regex: [
    ["regex.replace", ['"foo bar"', '"(?P<first>o+)"', '"<${first}$0$$>"'], '"f<oooo$> bar"'],
    ["regex.split", ['",+"', '"a,,b,"'], '["a", "b", ""]'],
    ["regex.find_n", ['"a."', '"ab ac ad"', "2"], '["ab", "ac"]'],
    ["regex.find_n", ['"(?=a)"', '"a"', "1"], undefined],
    ["regex.template_match", ['"urn:{.*}:x"', '"urn:abc:x"', '"{"', '"}"'], "true"],
    ["regex.globs_match", ['"a.a.[0-9]+z"', '"b.b*"'], "false"],
    ["regex.globs_match", ['"b.a.[0-9]+z"', '"b.a.9z"'], "true"],
  ],
  semver: [
    ["semver.compare", ['"1.0.0-rc.2"', '"1.0.0-rc.10"'], "-1"],
    ["semver.compare", ['"2.0.0"', '"1.99999999999999999999.0"'], undefined],
    ["semver.compare", ['"v1.0.0"', '"1.0.0"'], "0"],
    ["semver.is_valid", ['"01.0.0"'], "false"],
  ],
  units: [
    ["units.parse", ['"10Mi"'], "10485760"],
    ["units.parse", ['"1.5k"'], "1500"],
    ["units.parse_bytes", ['"2KiB"'], "2048"],
    ["units.parse", ['"1 k"'], undefined],
  ],
  time: [
    ["time.now_ns", [], "1767225600000000000"],
    ["time.parse_rfc3339_ns", ['"2026-03-29T02:30:00.5+02:00"'], "1774744200500000000"],
    ["time.parse_ns", ['"Mon, 02 Jan 2006"', '"Thu, 01 Jan 2026"'], "1767225600000000000"],
    ["time.parse_ns", ['"2006-01-02"', '"2026-13-01"'], undefined],
    [
      "time.format",
      ['[1767225600000000000, "America/New_York", "RFC1123Z"]'],
      '"Wed, 31 Dec 2025 19:00:00 -0500"',
    ],
    ["time.clock", ['[1767225600000000000, "Asia/Kolkata"]'], "[5, 30, 0]"],
    ["time.weekday", ["1767225600000000000"], '"Thursday"'],
    ["time.add_date", ["1767225600000000000", "0", "1", "30"], "1772496000000000000"],
    ["time.diff", ["1767225600000000000", "1772496000000000000"], "[0, 2, 2, 0, 0, 0]"],
    ["time.parse_duration_ns", ['"-1d1.5h"'], "-91800000000000"],
    ["time.date", ['[0, "Nowhere/Town"]'], undefined],
  ],
  net: [
    ["net.cidr_expand", ['"10.0.0.1/30"'], '{"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"}'],
    [
      "net.cidr_merge",
      ['["10.0.0.0/25", "10.0.0.128/25", "2001:db8::/33", "2001:db8:8000::/33"]'],
      '{"10.0.0.0/24", "2001:db8::/32"}',
    ],
    ["net.cidr_contains_matches", ['["10.0.0.0/8"]', '{"a": "10.1.1.1", "b": "11.0.0.1"}'], '{[0, "a"]}'],
    ["net.cidr_is_valid", ['"10.0.0.0/33"'], "false"],
    ["net.cidr_expand", ['"::/0"'], undefined],
  ],
  json: [
    [
      "json.patch",
      [
        '{"a": [1, 3]}',
        '[{"op": "add", "path": "/a/1", "value": 2}, {"op": "move", "from": "a", "path": "b"}]',
      ],
      '{"b": [1, 2, 3]}',
    ],
    ["json.patch", ['{"a": 1}', '[{"op": "remove", "path": "b"}]'], undefined],
    ["json.match_schema", ['{"id": "x"}', '{"properties": {"id": {"type": "string"}}}'], "[true, []]"],
    ["json.marshal_with_options", ['{"b": {1}}', '{"indent": " "}'], '"{\\n \\"b\\": [\\n  1\\n ]\\n}"'],
    ["object.subset", ['{"a": {"b": 1, "c": 2}}', '{"a": {"c": 2}}'], "true"],
    ["graph.reachable_paths", ['{"a": ["b"], "b": ["a"]}', '["a"]'], '{["a", "b"]}'],
  ],
  encoding: [
    ["hex.decode", ['"666f6f"'], '"foo"'],
    ["hex.decode", ['"6"'], undefined],
    ["urlquery.encode", ['"a b&(c)"'], '"a+b%26%28c%29"'],
    ["urlquery.decode_object", ['"a=1&b=2&a=3"'], '{"a": ["1", "3"], "b": ["2"]}'],
    ["yaml.unmarshal", ['"a: [1, x]"'], '{"a": [1, "x"]}'],
    ["yaml.unmarshal", ['"a: 1\\n---\\nb: 2\\n"'], '{"a": 1}'],
    ["yaml.unmarshal", ['"a: 1\\n---\\nb: [\\n"'], undefined],
    ["yaml.is_valid", ['"a: 1\\n---\\n\\tb: 2\\n"'], "false"],
    ["yaml.is_valid", ['"a: 1\\n...\\nb: 2\\n"'], "false"],
    ["yaml.is_valid", ['"--- \\n---\\na: 1\\n"'], "true"],
    ["yaml.unmarshal", ['"# nothing"'], "null"],
    ["base64url.encode_no_pad", ['"a?"'], '"YT8"'],
    [
      "uri.parse",
      ['"https://u@h.example:8443/a%2Fb?q=1#f"'],
      '{"fragment": "f", "hostname": "h.example", "path": "/a/b", "port": "8443", "raw_path": "/a%2Fb", "raw_query": "q=1", "scheme": "https"}',
    ],
    ["uuid.parse", ['"00000000-0000-4000-8000-000000000000"'], '{"variant": "RFC4122", "version": 4}'],
  ],
  crypto: [
    ["crypto.sha256", ['"foo"'], '"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"'],
    ["crypto.hmac.equal", ['"a"', '"b"'], "false"],
  ],
};

describe.each(Object.entries(areas))("%s", (_area, rows) => {
  it.each(rows)("%s(%j)", (name, args, expected) => {
    expect(call(name, ...args)).toBe(expected);
  });
});

describeWithOpa("the rows and `opa eval`", () => {
  it("agree", () => {
    const rows = Object.values(areas)
      .flat()
      // The clock is ours; OPA lists all of IPv6 until memory ends.
      .filter(([name, args]) => name !== "time.now_ns" && args[0] !== '"::/0"');
    const calls = rows.map(([name, args]) => `[x | x := ${name}(${args.join(", ")})]`);
    const answer = JSON.parse(
      runOpa(["eval", "--format", "json", "--stdin-input", `[${calls.join(", ")}]`], "{}"),
    ) as { result: { expressions: { value: unknown[][] }[] }[] };
    const values = answer.result[0]?.expressions[0]?.value as unknown[][];
    for (const [index, [name, args, expected]] of rows.entries()) {
      const json = expected === undefined ? [] : [JSON.parse(jsonText(parseTerm(expected)))];
      expect([name, args, values[index]]).toEqual([name, args, json]);
    }
  });
});

describe("io.jwt", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = privateKey.export({ format: "jwk" });
  const { d: _secret, ...open } = jwk;
  const token = table["io.jwt.encode_sign"]?.(
    parseTerm('{"alg": "ES256"}'),
    parseTerm('{"aud": ["fleet"], "exp": 1767225700, "iss": "x"}'),
    parseTerm(JSON.stringify(jwk)),
  ) as string;
  const verify = (constraints: Record<string, unknown>, of = token): Term | undefined =>
    table["io.jwt.decode_verify"]?.(
      of,
      parseTerm(JSON.stringify({ cert: JSON.stringify(open), aud: "fleet", ...constraints })),
    );
  const valid = (answer: Term | undefined): Term => (answer as readonly Term[])[0] as Term;

  it("verifies what it signed, at the decision time", () => {
    expect(valid(verify({}))).toBe(true);
    expect(table["io.jwt.verify_es256"]?.(token, JSON.stringify(open))).toBe(true);
  });

  it("verifies nothing late, for another audience or issuer, by another algorithm, or changed", () => {
    expect(valid(verify({ time: 1767225700e9 }))).toBe(false);
    expect(valid(verify({ aud: "other" }))).toBe(false);
    expect(valid(verify({ iss: "y" }))).toBe(false);
    expect(valid(verify({ alg: "HS256" }))).toBe(false);
    expect(valid(verify({}, `${token.slice(0, -4)}AAAA`))).toBe(false);
  });

  it("never takes a public key for a shared secret", () => {
    const [, payload] = token.split(".");
    const signed = `${Buffer.from('{"alg":"HS256"}').toString("base64url")}.${payload}`;
    const forged = `${signed}.${createHmac("sha256", JSON.stringify(open)).update(signed).digest("base64url")}`;
    expect(valid(verify({}, forged))).toBe(false);
  });
});
