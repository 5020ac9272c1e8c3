/** What the schemas of all records are made of. */
import { z } from "zod";
import { isSafeId, maxIdLength } from "../decision/ids.ts";

/** JSON Schema `format` of identifiers; {@link isSafeId} decides. */
export const safeIdFormat = "safe-id";

/** An identifier. */
export const safeId: z.ZodString = z
  .string()
  .max(maxIdLength)
  .refine(isSafeId, "must be an identifier: not empty, without / + # * > or whitespace")
  .meta({ format: safeIdFormat });

/** JSON Schema `format` of text that every store, thread and policy reads alike. */
export const wellFormedFormat = "well-formed";

/** Whether a text is whole characters: half a pair of surrogates becomes another character on its way to a disk. */
export function isWellFormed(value: string): boolean {
  return value.isWellFormed();
}

function wellFormed(schema: z.ZodString): z.ZodString {
  return schema.refine(isWellFormed, "must be text of whole characters").meta({ format: wellFormedFormat });
}

/** A short text. */
export const text: z.ZodString = wellFormed(z.string().max(256));

/** The same, not empty. */
export const someText: z.ZodString = wellFormed(z.string().min(1).max(256));

/** A text of up to a thousand characters. */
export const longText: z.ZodString = wellFormed(z.string().max(1024));

/** Unix seconds, to the end of the year 9999. */
export const time: z.ZodInt = z.int().min(0).max(253_402_300_799);

/** `major * 1e6 + minor * 1e3 + patch`. */
export const versionKey: z.ZodInt = z.int().min(0).max(1_000_000_000_000);

/** The name of a claim, component, signal or ring. */
export const word: z.ZodString = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/, "must be a name");

/** A map with at most `max` entries. */
export function mapOf<K extends z.ZodString, V extends z.ZodType>(
  key: K,
  value: V,
  max: number,
): z.ZodRecord<K, V> {
  return z
    .record(key, value)
    .refine((map) => Object.keys(map).length <= max, `must have at most ${max} entries`)
    .meta({ maxProperties: max });
}
