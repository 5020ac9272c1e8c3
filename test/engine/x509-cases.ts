/** Certificates and requests of many kinds, sound ones and odd ones, for the comparison with OPA. */
import { bits, extension, integer, octets, oid, sequence, tlv, yes } from "../der.ts";
import { attribute, certificate, kinds, nameOf, request, set, text, utf8, write } from "./x509-writers.ts";

const { san, uris, subtree, constraints, basic, usage, purposes, policy, cn, utcTime, anyTime } = write;

const everything = [
  basic(yes, integer(3)),
  usage(5, 0b1010_0000),
  purposes("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.99999.1"),
  san(
    [0x82, "a.example"],
    [0x82, "*.b.example"],
    [0x81, "who@example.org"],
    [0x87, [10, 0, 0, 1]],
    [0x87, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    [0x87, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2]],
    [0x86, "spiffe://prod.example/tenant/acme/device/m1"],
    [0x88, [42, 3]],
  ),
  constraints(
    [subtree(0x82, "example.com"), subtree(0x82, ".example.org"), subtree(0x87, [10, 0, 0, 0, 255, 0, 0, 0])],
    [subtree(0x81, "x@example.com"), subtree(0x81, "example.net"), subtree(0x86, ".example.net")],
  ),
  extension("2.5.29.14", false, octets(Buffer.from("key id"))),
  extension("2.5.29.35", false, sequence(tlv(0x80, Buffer.from("issuer")))),
  policy("2.23.140.1.2.1", "1.3.6.1.4.1.99999.4294967296.7"),
  extension("2.5.29.33", false, sequence(sequence(oid("1.2.3"), oid("1.2.4")))),
  extension("2.5.29.36", true, sequence(tlv(0x80, [0]), tlv(0x81, [2]))),
  extension("2.5.29.54", true, integer(0)),
  extension(
    "2.5.29.31",
    false,
    sequence(
      sequence(
        tlv(0xa0, tlv(0xa0, tlv(0x86, Buffer.from("http://crl.example/1")), tlv(0x86, Buffer.from("ü")))),
      ),
      sequence(tlv(0x81, [0, 1])),
    ),
  ),
  extension(
    "1.3.6.1.5.5.7.1.1",
    false,
    sequence(
      sequence(oid("1.3.6.1.5.5.7.48.1"), tlv(0x86, Buffer.from("http://ocsp.example"))),
      sequence(oid("1.3.6.1.5.5.7.48.2"), tlv(0x86, Buffer.from("http://ca.example/ca.crt"))),
      sequence(oid("1.3.6.1.5.5.7.48.3"), tlv(0x82, Buffer.from("else"))),
    ),
  ),
  extension("1.3.6.1.4.1.99999.3", true, Buffer.from("unknown")),
];

const oddUris = [
  "",
  "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
  "HTTP://User:p%40ss@Example.org:8080/a%2Fb/ü?q=1#frag%20ment",
  "http://user:p%40ss@example.org:8080/a%2Fb/c d?q=1#frag%20ment!",
  "http://[2001:db8::1]:443/",
  "http://[fe80::1%25en0]/x",
  "http://[10.0.0.1]/",
  "http://a:b:80/",
  "mqtt://a:b:80/",
  "//host/path",
  "///path",
  "/only/path?",
  "file:///etc/passwd",
  "a:",
  ":a",
  "1a:b",
  "a b",
  "x/y:z",
  "y:z/x",
  "*",
  "http://ex%41mple.org/",
  "http://h%C3%BC.example/",
  "http://host/%zz",
  "http://host/%C3%BC/ok",
  "http://host?a?b#c#d",
  "http://host/a\u0001",
  "http://host./",
  "http://a..b/",
  "spiffe://td/a/../b;c,d",
];

const oddTimes: Readonly<Record<string, Buffer>> = {
  "no seconds": utcTime("2401010000Z"),
  "a zone": utcTime("240101000000+0130"),
  "zone zero": utcTime("240101000000+0000"),
  "february 30": utcTime("240230000000Z"),
  "year 49": utcTime("491231235959Z"),
  "year 50": utcTime("500101000000Z"),
  fraction: anyTime("20240101000000.5Z"),
  "general zone": anyTime("20240101000000-0800"),
  "hour 24": anyTime("20240101240000Z"),
  "no zone": utcTime("240101000000"),
  "year 9999": anyTime("99991231235959Z"),
};

const names: Readonly<Record<string, Buffer>> = {
  full: nameOf(
    ["2.5.4.6", text(0x13, "DE")],
    ["2.5.4.8", utf8("Berlin")],
    ["2.5.4.7", utf8("Berlin")],
    ["2.5.4.10", text(0x14, Buffer.from([0x4d, 0xfc, 0x6c, 0x6c]))],
    ["2.5.4.11", text(0x1e, Buffer.from("Mß", "utf16le").swap16())],
    ["2.5.4.11", utf8("second <&>")],
    ["2.5.4.9", utf8("Straße 1")],
    ["2.5.4.17", text(0x12, "10115")],
    ["2.5.4.5", text(0x13, "A*&1")],
    ["2.5.4.3", utf8("first")],
    ["2.5.4.3", utf8("second")],
    ["1.2.840.113549.1.9.1", text(0x16, "who@example.org")],
    ["0.9.2342.19200300.100.1.25", text(0x16, "example")],
  ),
  "two in a set": sequence(set(attribute("2.5.4.3", utf8("a")), attribute("2.5.4.10", utf8("b"))), set()),
  empty: sequence(),
  "not printable": nameOf(["2.5.4.3", text(0x13, "a_b")]),
  "not utf8": nameOf(["2.5.4.3", text(0x0c, Buffer.from([0xff]))]),
  "not ascii": nameOf(["2.5.4.3", text(0x16, "ü")]),
  "bmp surrogate": nameOf(["2.5.4.3", text(0x1e, Buffer.from([0xd8, 0x3d, 0xde, 0x00]))]),
  "bmp terminated": nameOf(["2.5.4.3", text(0x1e, Buffer.from([0, 0x61, 0, 0]))]),
  "an integer": nameOf(["2.5.4.3", integer(5)]),
  "octets, bits, oid": nameOf(
    ["1.2.3", octets(Buffer.from("x"))],
    ["1.2.4", bits(3, [0xf8])],
    ["1.2.5", oid("1.2.840.7")],
    ["1.2.6", text(0x1b, "general")],
    ["1.2.7", utcTime("240101000000Z")],
  ),
};

const wrongs: Readonly<Record<string, readonly Buffer[]>> = {
  "twice the same": [usage(5, 0xa0), usage(5, 0xa0)],
  "usage of nine bits": [usage(7, 0, 0x80)],
  "usage with bits set that do not count": [usage(5, 0xff)],
  "critical key id": [extension("2.5.29.14", true, octets(Buffer.from("a")))],
  "critical authority": [extension("2.5.29.35", true, sequence())],
  "authority without id": [extension("2.5.29.35", false, sequence(tlv(0x82, [1])))],
  "no ca": [basic()],
  "negative path": [basic(yes, tlv(0x02, [0xff]))],
  "path zero": [basic(yes, integer(0))],
  "boolean of 1": [basic(tlv(0x01, [1]))],
  "empty san": [extension("2.5.29.17", true, sequence())],
  "san of an other name": [extension("2.5.29.17", true, sequence(tlv(0x88, [42, 3])))],
  "san of 5 bytes": [san([0x87, [1, 2, 3, 4, 5]])],
  "san beyond ascii": [san([0x82, "ü.example"])],
  "empty constraints": [constraints([], [])],
  "a mask with holes": [constraints([subtree(0x87, [10, 0, 0, 0, 255, 0, 255, 0])], [])],
  "a mask of 3": [constraints([subtree(0x87, [10, 0, 0])], [])],
  "a constraint of a directory": [constraints([sequence(tlv(0xa4, cn("x")))], [])],
  "a constraint that ends in a dot": [constraints([subtree(0x82, "example.")], [])],
  "an address for a uri": [constraints([], [subtree(0x86, "10.0.0.1")])],
  "a mailbox that is none": [constraints([], [subtree(0x81, "a b@example")])],
  "a quoted mailbox": [constraints([], [subtree(0x81, '"a b"@example')], false)],
  "policies twice": [policy("1.2.3", "1.2.3")],
  "no policies": [policy()],
  "an oid of 32 bits": [purposes("1.2.4294967296")],
  "trailing bytes": [extension("2.5.29.19", true, Buffer.concat([sequence(), Buffer.from([1])]))],
};

/** Certificates by what is special about them. */
export function certificates(): Record<string, Buffer> {
  const found: Record<string, Buffer> = {};
  for (const [kind, key] of Object.entries(kinds)) found[kind] = certificate({ key });
  for (const [kind, time] of Object.entries(oddTimes))
    found[`time: ${kind}`] = certificate({ times: [time, time] });
  for (const [kind, subject] of Object.entries(names)) found[`name: ${kind}`] = certificate({ subject });
  for (const uri of oddUris) found[`uri: ${uri}`] = certificate({ extensions: [uris(uri)] });
  for (const [kind, extensions] of Object.entries(wrongs)) found[kind] = certificate({ extensions });
  return {
    ...found,
    everything: certificate({ extensions: everything }),
    "serial of 160 bits": certificate({ serial: tlv(0x02, Buffer.alloc(20, 0x7f)) }),
    "negative serial": certificate({ serial: tlv(0x02, [0x80]) }),
    "serial not minimal": certificate({ serial: tlv(0x02, [0, 1]) }),
    "version 1": certificate({ version: Buffer.alloc(0) }),
    "version 2": certificate({ version: tlv(0xa0, integer(1)) }),
    "version 4": certificate({ version: tlv(0xa0, integer(3)) }),
    "version 1 with extensions": certificate({ version: Buffer.alloc(0), extensions: everything }),
    "another algorithm": certificate({ key: kinds.p256, issuer: kinds.rsa }),
    two: Buffer.concat([certificate(), certificate({ key: kinds.ed25519 })]),
    "trailing zero": Buffer.concat([certificate(), Buffer.from([0])]),
    nothing: Buffer.alloc(0),
  };
}

/** Requests by what is special about them. */
export function requests(): Record<string, Buffer> {
  const wants = (...list: readonly Buffer[]): Buffer =>
    sequence(oid("1.2.840.113549.1.9.14"), set(sequence(...list)));
  const found: Record<string, Buffer> = {};
  for (const [kind, subject] of Object.entries(names)) found[`name: ${kind}`] = request([], subject);
  for (const [kind, key] of Object.entries(kinds)) found[kind] = request([], cn("x"), key);
  return {
    ...found,
    plain: request([]),
    "with names": request([
      wants(san([0x82, "a.example"], [0x86, "spiffe://a/b"], [0x87, [10, 0, 0, 1]]), usage(7, 0x80)),
    ]),
    "twice the same": request([wants(usage(7, 0x80), usage(7, 0x80))]),
    "in two attributes": request([wants(usage(7, 0x80)), wants(san([0x82, "b.example"]))]),
    "a password": request([sequence(oid("1.2.840.113549.1.9.7"), set(utf8("secret")))]),
    "an empty set": request([sequence(oid("1.2.840.113549.1.9.14"), set())]),
    "wrong names": request([wants(san([0x87, [1]]))]),
    "no sequence inside": request([sequence(oid("1.2.840.113549.1.9.14"), set(integer(1)))]),
    "trailing zero": Buffer.concat([request([]), Buffer.from([0])]),
  };
}
