/** Go's `strconv.Quote`. */

const letters: Readonly<Record<string, string>> = {
  "\u0007": "a",
  "\b": "b",
  "\t": "t",
  "\n": "n",
  "\v": "v",
  "\f": "f",
  "\r": "r",
  '"': '"',
  "\\": "\\",
};

/** Quotes as Go does, in which values inside collections are shown. */
export function quote(text: string): string {
  const escaped = text.replace(/["\\]|[^ \p{L}\p{M}\p{N}\p{P}\p{S}]/gu, (symbol) => {
    const letter = letters[symbol];
    if (letter !== undefined) return `\\${letter}`;
    const point = symbol.codePointAt(0) as number;
    const hex = (length: number): string => point.toString(16).padStart(length, "0");
    if (point < 0x80) return `\\x${hex(2)}`;
    return point < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
  });
  return `"${escaped}"`;
}
