/** Distinguished names as Go's `pkix.Name`. */
import { DerReader, type Element, readOnly, tags } from "../../runtime/der.ts";
import { readArcs } from "./asn1.ts";
import { orNull } from "./go-json.ts";

/** One attribute of a name. */
export interface Attribute {
  readonly Type: readonly number[];
  readonly Value: unknown;
}

/** A name: what is common by its word, and everything in `Names`. */
export interface Name {
  readonly Country: readonly string[] | null;
  readonly Organization: readonly string[] | null;
  readonly OrganizationalUnit: readonly string[] | null;
  readonly Locality: readonly string[] | null;
  readonly Province: readonly string[] | null;
  readonly StreetAddress: readonly string[] | null;
  readonly PostalCode: readonly string[] | null;
  readonly SerialNumber: string;
  readonly CommonName: string;
  readonly Names: readonly Attribute[] | null;
  readonly ExtraNames: null;
}

/** An attribute's type and value. */
export function readAttribute(element: Element, read: (value: Element) => unknown): Attribute {
  const reader = new DerReader(element.value);
  return { Type: readArcs(reader.next(tags.oid)), Value: read(reader.next()) };
}

/** Reads a name whose values `read` understands. */
export function readName(whole: Uint8Array, read: (value: Element) => unknown): Name {
  const sets = new DerReader(readOnly(whole, tags.sequence).value).all(tags.set);
  const attributes = sets.flatMap(({ value }) =>
    new DerReader(value).all(tags.sequence).map((pair) => readAttribute(pair, read)),
  );
  const all = (arc: number): string[] =>
    attributes.flatMap(({ Type, Value }) =>
      Type.join(".") === `2.5.4.${arc}` && typeof Value === "string" ? [Value] : [],
    );
  return {
    Country: orNull(all(6)),
    Organization: orNull(all(10)),
    OrganizationalUnit: orNull(all(11)),
    Locality: orNull(all(7)),
    Province: orNull(all(8)),
    StreetAddress: orNull(all(9)),
    PostalCode: orNull(all(17)),
    SerialNumber: all(5).at(-1) ?? "",
    CommonName: all(3).at(-1) ?? "",
    Names: orNull(attributes),
    ExtraNames: null,
  };
}
