/** Certificate requests (PKCS #10, RFC 2986) as Go's `crypto/x509` parses and tells them. */
import { DerReader, type Element, malformed, readOnly, tags } from "../../runtime/der.ts";
import { noNames, readAlternativeNames, toldNames } from "./alternative-names.ts";
import {
  readArcs,
  readBits,
  readBoolean,
  readMoment,
  readNumber,
  readRightAligned,
  readText,
} from "./asn1.ts";
import { type Extension, readExtension } from "./extensions.ts";
import { orNull } from "./go-json.ts";
import { readAttribute, readName } from "./name.ts";
import { readPublicKey } from "./public-key.ts";
import { readSignatureAlgorithm } from "./signature.ts";

const extensionRequest = "1.2.840.113549.1.9.14";
const subjectAlternativeName = "2.5.29.17";

/** A value of any type, null where Go knows none. */
function readAny(element: Element): unknown {
  switch (element.tag) {
    case tags.boolean:
      return readBoolean(element);
    case tags.integer:
      return readNumber(element);
    case tags.bitString: {
      const { bytes, unused } = readBits(element);
      return { Bytes: bytes, BitLength: 8 * bytes.length - unused };
    }
    case tags.octetString:
      return element.value;
    case tags.oid:
      return readArcs(element);
    case tags.utcTime:
    case tags.generalizedTime:
      return readMoment(element).text;
    default:
      return isText(element.tag) ? readText(element) : null;
  }
}

const texts: readonly number[] = [
  tags.utf8String,
  tags.numericString,
  tags.printableString,
  tags.t61String,
  tags.ia5String,
  tags.bmpString,
];
const isText = (tag: number): boolean => texts.includes(tag);

/** What can be read; undefined where it cannot, which Go passes over. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** An attribute (RFC 2986, 4.1): its type and its values. */
function openAttribute(whole: Uint8Array): { readonly type: readonly number[]; readonly values: DerReader } {
  const reader = new DerReader(readOnly(whole, tags.sequence).value);
  return { type: readArcs(reader.next(tags.oid)), values: new DerReader(reader.next(tags.set).value) };
}

/** An attribute whose values are lists of types and values; others, as a challenge password, are passed over. */
function toldAttribute({ whole }: Element): object | undefined {
  return attempt(() => {
    const { type, values } = openAttribute(whole);
    const lists = values
      .all(tags.sequence)
      .map(({ value }) =>
        new DerReader(value).all(tags.sequence).map((pair) => readAttribute(pair, readAny)),
      );
    return { Type: type, Value: lists };
  });
}

/** The extensions that an attribute asks for; none where it asks for something else. */
function requested({ whole }: Element): readonly Extension[] {
  const found = attempt(() => {
    const { type, values } = openAttribute(whole);
    return type.join(".") === extensionRequest ? values.all()[0] : undefined;
  });
  if (found === undefined) return [];
  return new DerReader(readOnly(found.whole, tags.sequence).value).all(tags.sequence).map(readExtension);
}

/** Reads a request and tells it as Go's structure. @throws where Go refuses it */
export function tellRequest(der: Uint8Array): object {
  const whole = readOnly(der, tags.sequence);
  const outer = new DerReader(whole.value);
  const info = outer.next(tags.sequence);
  const body = new DerReader(info.value);
  const version = readNumber(body.next(tags.integer));
  const subject = body.next().whole;
  const spki = body.next(tags.sequence).whole;
  const attributes = new DerReader(body.next(0xa0).value).all();
  const algorithm = readSignatureAlgorithm(outer.next(tags.sequence).value);
  const extensions = attributes.flatMap(requested);
  const ids = extensions.map(({ Id }) => Id.join("."));
  if (new Set(ids).size !== ids.length) throw malformed();
  const names = extensions.find((_, at) => ids[at] === subjectAlternativeName);
  const key = readPublicKey(spki);
  return {
    Raw: whole.whole,
    RawTBSCertificateRequest: info.whole,
    RawSubjectPublicKeyInfo: spki,
    RawSubject: subject,
    Version: version,
    Signature: readRightAligned(outer.next(tags.bitString)),
    SignatureAlgorithm: algorithm,
    PublicKeyAlgorithm: key.algorithm,
    PublicKey: key.told,
    Subject: readName(subject, readAny),
    Attributes: orNull(attributes.map(toldAttribute).filter((each) => each !== undefined)),
    Extensions: orNull(extensions),
    ExtraExtensions: null,
    ...toldNames(names === undefined ? noNames : readAlternativeNames(names.Value)),
  };
}
