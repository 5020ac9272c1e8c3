/** Whether two simple globs have a text in common: letters, `.`, `[a-z]`, each with `*` or `+`. */

interface Token {
  readonly fits: (symbol: string) => boolean;
  /** Symbols that stand for the token: a witness is looked for among them. */
  readonly samples: readonly string[];
  readonly many: boolean;
  readonly optional: boolean;
}

function token(pattern: string, at: number): { token: Omit<Token, "many" | "optional">; next: number } {
  const symbol = pattern[at] as string;
  if (symbol === ".") return { token: { fits: () => true, samples: ["\uffff"] }, next: at + 1 };
  if (symbol === "\\") return { token: single(pattern[at + 1] ?? fail()), next: at + 2 };
  if (symbol !== "[") {
    if ("]*+".includes(symbol)) fail();
    return { token: single(symbol), next: at + 1 };
  }
  const set = new Set<string>();
  let end = at + 1;
  for (; pattern[end] !== "]"; end++) {
    if (end >= pattern.length) fail();
    if (pattern[end] === "\\") end++;
    const from = pattern.codePointAt(end) as number;
    const ranged = pattern[end + 1] === "-" && pattern[end + 2] !== "]" && end + 2 < pattern.length;
    const to = ranged ? (pattern.codePointAt(end + 2) as number) : from;
    if (to < from || to - from > 0xffff) fail();
    for (let point = from; point <= to; point++) set.add(String.fromCodePoint(point));
    if (ranged) end += 2;
  }
  return { token: { fits: (other) => set.has(other), samples: [...set] }, next: end + 1 };
}

const single = (symbol: string): Omit<Token, "many" | "optional"> => ({
  fits: (other) => other === symbol,
  samples: [symbol],
});

const fail = (): never => {
  throw new TypeError("the glob is not well formed");
};

function tokens(pattern: string): readonly Token[] {
  const list: Token[] = [];
  for (let at = 0; at < pattern.length; ) {
    const { token: base, next } = token(pattern, at);
    const mark = pattern[next];
    const repeated = mark === "*" || mark === "+";
    list.push({ ...base, many: repeated, optional: mark === "*" });
    at = next + (repeated ? 1 : 0);
  }
  return list;
}

/** Walks both at once; a place is a pair of positions, each visited once. */
export function globsMeet(left: string, right: string): boolean {
  const [a, b] = [tokens(left), tokens(right)];
  const seen = new Set<number>();
  const open: [number, number][] = [[0, 0]];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const [i, j] = place;
    const key = i * (b.length + 1) + j;
    if (seen.has(key)) continue;
    seen.add(key);
    if (i === a.length && j === b.length) return true;
    const [x, y] = [a[i], b[j]];
    // A token that was met once, or need not be, may be left behind.
    if (x?.optional) open.push([i + 1, j]);
    if (y?.optional) open.push([i, j + 1]);
    if (x === undefined || y === undefined) continue;
    if (!x.samples.some(y.fits) && !y.samples.some(x.fits)) continue;
    open.push([i + 1, j + 1]);
    if (x.many) open.push([i, j + 1]);
    if (y.many) open.push([i + 1, j]);
  }
  return false;
}
