/** Chains of certificates, sound ones and broken ones, for the comparison with OPA. The root comes first. */
import { extension, integer, oid, sequence, tlv, yes } from "../der.ts";
import { certificate, type Kind, kinds, type Parts, write } from "./x509-writers.ts";

const { basic, cn, constraints, policy, purposes, san, subtree, usage } = write;

const root: Parts = { subject: cn("root"), key: kinds.p384, extensions: [basic(yes), usage(1, 0x06)] };
const middle: Parts = {
  subject: cn("middle"),
  issuerName: cn("root"),
  key: kinds.rsa,
  issuer: kinds.p384,
  extensions: [basic(yes), usage(1, 0x06)],
};
const server = purposes("1.3.6.1.5.5.7.3.1");
const leaf: Parts = {
  subject: cn("leaf"),
  issuerName: cn("middle"),
  key: kinds.p256,
  issuer: kinds.rsa,
  extensions: [
    server,
    san(
      [0x82, "Device.example.com"],
      [0x82, "*.fleet.example.com"],
      [0x87, [10, 1, 2, 3]],
      [0x87, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
      [0x81, "who@example.com"],
      [0x86, "https://device.example.com:8443/x"],
    ),
  ],
};

/** A chain whose parts are changed. */
function chain(top: Parts = {}, between: Parts = {}, end: Parts = {}): Buffer[] {
  return [
    certificate({ ...root, ...top }),
    certificate({ ...middle, ...between }),
    certificate({ ...leaf, ...end }),
  ];
}

/** A chain whose middle has one more extension. */
const limited = (one: Buffer, end: Parts = {}): Buffer[] =>
  chain({}, { extensions: [basic(yes), usage(1, 0x06), one] }, end);

const zeroes = Array.from({ length: 12 }, () => 0);

/** The tag and the value of a constraint. */
type Base = readonly [tag: number, value: string | readonly number[]];

const permit = (...list: readonly Base[]): Buffer[] =>
  limited(
    constraints(
      list.map(([tag, value]) => subtree(tag, value)),
      [],
    ),
  );
const exclude = (...list: readonly Base[]): Buffer[] =>
  limited(
    constraints(
      [],
      list.map(([tag, value]) => subtree(tag, value)),
    ),
  );
const named = (...names: readonly (readonly [tag: number, value: string])[]): Parts => ({
  extensions: [server, san(...names)],
});

const explicit = (skip: number): Buffer => extension("2.5.29.36", true, sequence(tlv(0x80, [skip])));
const mapping = (from: string, to: string): Buffer =>
  extension("2.5.29.33", true, sequence(sequence(oid(from), oid(to))));
const noMapping = extension("2.5.29.36", true, sequence(tlv(0x80, [0]), tlv(0x81, [0])));
const noAny = extension("2.5.29.54", true, integer(0));
const any = "2.5.29.32.0";

const policies = (between: readonly Buffer[], end: readonly Buffer[]): Buffer[] =>
  chain({}, { extensions: [basic(yes), ...between] }, { extensions: [server, ...end] });

const signedBy = (key: Kind, issuer: Kind): Buffer[] =>
  chain({ key: issuer }, { key, issuer }, { issuer: key });

/** An extended key usage list that a middle or a root limits its leaves to. */
const purposesOf = (...oids: readonly string[]): Parts => ({ extensions: [basic(yes), purposes(...oids)] });

/** Chains by what is special about them. */
export function chains(): Record<string, Buffer[]> {
  const [top, between, end] = chain() as [Buffer, Buffer, Buffer];
  const past = [write.utcTime("200101000000Z"), write.utcTime("210101000000Z")] as const;
  const future = [write.anyTime("20980101000000Z"), write.anyTime("20990101000000Z")] as const;
  const found: Record<string, Buffer[]> = {};
  for (const [kind, key] of Object.entries(kinds)) found[`root of ${kind}`] = signedBy(kinds.rsa, key);
  for (const [kind, key] of Object.entries(kinds)) found[`middle of ${kind}`] = signedBy(key, kinds.p384);
  return {
    ...found,
    sound: [top, between, end],
    "the middle twice": [top, between, between, end],
    "no middle": [top, end],
    "another order": [between, top, end],
    "the leaf first": [end, between, top],
    "a root alone": [top],
    "a root twice": [top, top],
    "a middle as the root": [between, end],
    "more than it needs": [top, certificate({ subject: cn("else") }), between, end],
    "two of one name": [top, certificate({ ...middle, issuer: kinds.ed25519 }), between, end],
    "a leaf that is past": chain({}, {}, { times: past }),
    "a middle that is past": chain({}, { times: past }),
    "a root that is past": chain({ times: past }),
    "a leaf to come": chain({}, {}, { times: future }),
    "a middle that is no CA": chain({}, { extensions: [basic()] }),
    "a middle that says nothing": chain({}, { extensions: [] }),
    "a root that says nothing": chain({ extensions: [] }),
    "a root of version 1": chain({ extensions: [], version: Buffer.alloc(0) }),
    "a root that may not sign": chain({ extensions: [basic(yes), usage(7, 0x80)] }),
    "a root of path 0": chain({ extensions: [basic(yes, integer(0))] }),
    "a root of path 1": chain({ extensions: [basic(yes, integer(1))] }),
    "a middle of path 0": chain({}, { extensions: [basic(yes, integer(0))] }),
    "another signature": chain({}, {}, { issuer: kinds.ed25519 }),
    "another issuer": chain({}, {}, { issuerName: cn("else") }),
    "a leaf for clients": chain({}, {}, { extensions: [purposes("1.3.6.1.5.5.7.3.2")] }),
    "a leaf for anything": chain({}, {}, { extensions: [purposes("2.5.29.37.0")] }),
    "a leaf for the unknown": chain({}, {}, { extensions: [purposes("1.2.3.4")] }),
    "a leaf without purposes": chain({}, {}, { extensions: [] }),
    "a middle for clients": chain({}, purposesOf("1.3.6.1.5.5.7.3.2")),
    "a middle for both": chain({}, purposesOf("1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1")),
    "a root for clients": chain(purposesOf("1.3.6.1.5.5.7.3.2")),
    "an unknown critical extension": limited(extension("1.2.3.4", true, Buffer.from("x"))),
    "an unknown extension": limited(extension("1.2.3.4", false, Buffer.from("x"))),
    "permitted dns": permit([0x82, "example.com"]),
    "permitted dns below": permit([0x82, ".example.com"]),
    "permitted dns in part": permit([0x82, "device.example.com"]),
    "permitted dns all": permit([0x82, ""]),
    "permitted dns in another case": permit([0x82, "EXAMPLE.COM"]),
    "permitted dns of another": permit([0x82, "ample.com"]),
    "excluded dns": exclude([0x82, "fleet.example.com"]),
    "excluded below a pattern": exclude([0x82, "one.fleet.example.com"]),
    "excluded far below a pattern": exclude([0x82, "a.one.fleet.example.com"]),
    "excluded dns of another": exclude([0x82, "example.org"]),
    "excluded dns all": exclude([0x82, ""]),
    "permitted address": permit([0x87, [10, 0, 0, 0, 255, 0, 0, 0]]),
    "permitted addresses": permit(
      [0x87, [10, 0, 0, 0, 255, 0, 0, 0]],
      [0x87, [0x20, 1, 0xd, 0xb8, ...zeroes, 255, 255, 255, 255, ...zeroes]],
    ),
    "excluded address": exclude([0x87, [10, 1, 2, 3, 255, 255, 255, 255]]),
    "excluded address of another": exclude([0x87, [10, 1, 2, 4, 255, 255, 255, 255]]),
    "permitted mailbox": permit([0x81, "who@example.com"]),
    "permitted mailbox of another": permit([0x81, "Who@example.com"]),
    "permitted mail host": permit([0x81, "example.com"]),
    "excluded mail below": exclude([0x81, ".example.com"]),
    "excluded mailbox": exclude([0x81, "who@EXAMPLE.com"]),
    "permitted uri": permit([0x86, ".example.com"]),
    "permitted uri host": permit([0x86, "device.example.com"]),
    "excluded uri": exclude([0x86, "example.com"]),
    "a uri without a host": limited(constraints([subtree(0x86, "a.example")], []), named([0x86, "urn:x:y"])),
    "a uri of an address": limited(
      constraints([subtree(0x86, "a.example")], []),
      named([0x86, "http://10.0.0.1/"]),
    ),
    "a uri of a literal": limited(
      constraints([], [subtree(0x86, "a.example")]),
      named([0x86, "http://[::1]:80/"]),
    ),
    "a quoted mailbox": limited(
      constraints([], [subtree(0x81, "b.example")]),
      named([0x81, '"a b"@c.example']),
    ),
    "no mailbox": limited(constraints([], [subtree(0x81, "b.example")]), named([0x81, "a b@c.example"])),
    "no domain": limited(constraints([], [subtree(0x82, "b.example")]), named([0x82, "a b.example"])),
    "no domain, unconstrained": chain({}, {}, named([0x82, "a b.example"])),
    "a constraint of the root": chain({
      extensions: [basic(yes), constraints([subtree(0x82, "example.org")], [])],
    }),
    "a constraint of the leaf": chain(
      {},
      {},
      {
        extensions: [server, san([0x82, "a.example"]), constraints([subtree(0x82, "b.example")], [])],
      },
    ),
    "a kind of constraint that is unknown": limited(constraints([sequence(tlv(0xa4, cn("x")))], [], true)),
    "policies nobody demands": policies([policy("1.2.3")], [policy("1.2.4")]),
    "a policy demanded, and there": policies([policy("1.2.3"), explicit(0)], [policy("1.2.3")]),
    "a policy demanded, and another there": policies([policy("1.2.3"), explicit(0)], [policy("1.2.4")]),
    "a policy demanded, and none there": policies([policy("1.2.3"), explicit(0)], []),
    "a policy demanded later": policies([policy("1.2.3"), explicit(2)], [policy("1.2.4")]),
    "a policy demanded by the leaf": policies([policy("1.2.3")], [policy("1.2.4"), explicit(0)]),
    "any policy above": policies([policy(any), explicit(0)], [policy("1.2.4")]),
    "any policy below": policies([policy("1.2.3"), explicit(0)], [policy(any)]),
    "any policy below, inhibited": policies([policy("1.2.3"), explicit(0), noAny], [policy(any)]),
    "a policy mapped": policies([policy("1.2.3"), mapping("1.2.3", "1.2.4"), explicit(0)], [policy("1.2.4")]),
    "a policy mapped away": policies(
      [policy("1.2.3"), mapping("1.2.3", "1.2.4"), explicit(0)],
      [policy("1.2.3")],
    ),
    "a policy mapped from any": policies(
      [policy(any), mapping("1.2.3", "1.2.4"), explicit(0)],
      [policy("1.2.4")],
    ),
    "any policy mapped": policies([policy(any), mapping(any, "1.2.4")], [policy("1.2.4")]),
    "mapping inhibited here": policies(
      [policy("1.2.3"), mapping("1.2.3", "1.2.4"), noMapping],
      [policy("1.2.4")],
    ),
  };
}

/** Two CAs between root and leaf, the upper one with these extensions and the lower one with those. */
export function longChain(
  upper: readonly Buffer[],
  lower: readonly Buffer[],
  end: readonly Buffer[],
): Buffer[] {
  const below: Parts = {
    subject: cn("lower"),
    issuerName: cn("middle"),
    key: kinds.ed25519,
    issuer: kinds.rsa,
    extensions: [basic(yes), ...lower],
  };
  return [
    certificate(root),
    certificate({ ...middle, extensions: [basic(yes), ...upper] }),
    certificate(below),
    certificate({ ...leaf, issuerName: cn("lower"), issuer: kinds.ed25519, extensions: [server, ...end] }),
  ];
}

/** Chains of four, for what counts certificates. */
export const longChains = (): Record<string, Buffer[]> => ({
  "long: sound": longChain([], [], []),
  "long: a path of 0 above": longChain([basic(yes, integer(0))].slice(1), [], []),
  "long: mapping inhibited above": longChain(
    [policy("1.2.3"), noMapping],
    [policy("1.2.3"), mapping("1.2.3", "1.2.4")],
    [policy("1.2.4")],
  ),
  "long: mapping allowed": longChain(
    [policy("1.2.3"), explicit(0)],
    [policy("1.2.3"), mapping("1.2.3", "1.2.4")],
    [policy("1.2.4")],
  ),
  "long: a policy that breaks off": longChain(
    [policy("1.2.3"), explicit(0)],
    [policy("1.2.9")],
    [policy("1.2.3")],
  ),
  "long: any, inhibited above": longChain(
    [policy("1.2.3"), explicit(0), noAny],
    [policy(any)],
    [policy("1.2.3")],
  ),
  "long: demanded in two": longChain([policy("1.2.3"), explicit(1)], [policy("1.2.3")], [policy("1.2.9")]),
  "long: demanded in three": longChain([policy("1.2.3"), explicit(3)], [policy("1.2.3")], [policy("1.2.9")]),
  "long: permitted above, excluded below": longChain(
    [constraints([subtree(0x82, "example.com")], [])],
    [constraints([], [subtree(0x82, "a.example.com")])],
    [san([0x82, "b.example.com"])],
  ),
  "long: excluded below": longChain(
    [constraints([subtree(0x82, "example.com")], [])],
    [constraints([], [subtree(0x82, "a.example.com")])],
    [san([0x82, "x.a.example.com"])],
  ),
});

/** A leaf with so many names below a middle that permits as many domains. */
export const manyNames = (count: number): Buffer[] => {
  const domains = Array.from({ length: count }, (_, at) => `d${at}.example`);
  return limited(
    constraints(
      domains.map((domain) => subtree(0x82, domain)),
      [],
    ),
    named(...domains.map((domain) => [0x82, domain] as const)),
  );
};
