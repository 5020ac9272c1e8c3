/** A JSON text as OPA writes it to be hashed: sorted keys, no space, numbers as they were written, Go's escapes. */

/** Go's `encoding/json` without HTML escapes: beside JSON's own escapes, the two line separators of JavaScript. */
const quote = (text: string): string =>
  JSON.stringify(text.toWellFormed()).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");

const token = /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|(-?\d[^\s,\]}]*|true|false|null))/y;
const byBytes = (left: readonly [string, string], right: readonly [string, string]): number =>
  Buffer.compare(Buffer.from(left[0]), Buffer.from(right[0]));

/** Deepest nesting that is read. */
const deepest = 512;

/**
 * Rewrites a JSON text. Of a key that comes twice the last value counts, as in Go and JavaScript. Numbers keep their
 * digits, which is why this is not made of `JSON.parse`: `1.0` and `1` hash apart.
 * @throws SyntaxError where it is no JSON
 */
export function goJson(json: string): string {
  JSON.parse(json); // INVARIANT: from here on the text is known to be JSON; the tokens below need not prove it
  let at = 0;
  const next = (): string => {
    token.lastIndex = at;
    const found = token.exec(json);
    if (found === null) throw new SyntaxError("unexpected end of JSON");
    at = token.lastIndex;
    return (found[1] ?? found[2] ?? found[3]) as string;
  };
  const value = (first: string, depth: number): string => {
    if (depth > deepest) throw new SyntaxError("JSON nested too deeply");
    if (first.startsWith('"')) return quote(JSON.parse(first) as string);
    if (first === "[") {
      const items: string[] = [];
      for (let item = next(); item !== "]"; item = next()) {
        if (item !== ",") items.push(value(item, depth + 1));
      }
      return `[${items.join(",")}]`;
    }
    if (first !== "{") return first;
    const members = new Map<string, string>();
    for (let name = next(); name !== "}"; name = next()) {
      if (name === ",") continue;
      next(); // the colon
      members.set((JSON.parse(name) as string).toWellFormed(), value(next(), depth + 1));
    }
    return `{${[...members]
      .sort(byBytes)
      .map(([name, of]) => `${quote(name)}:${of}`)
      .join(",")}}`;
  };
  return value(next(), 0);
}
