/** Facts of decision tables: merge patches and times relative to the moment of asking. */

/** A JSON object. */
export type Facts = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object. */
export function isFacts(value: unknown): value is Facts {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON merge patch (RFC 7396). */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFacts(patch)) return patch;
  const merged: Record<string, unknown> = isFacts(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

const unitS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Replaces `"@"`, `"@-10m"`, `"@+30d"` by unix seconds. */
export function absolute(value: unknown, now: number): unknown {
  if (typeof value === "string") {
    const found = /^@(?:([+-]\d+)([smhd]))?$/.exec(value);
    return found === null ? value : now + Number(found[1] ?? 0) * (unitS[found[2] ?? "s"] as number);
  }
  if (Array.isArray(value)) return value.map((each) => absolute(each, now));
  if (!isFacts(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, absolute(each, now)]));
}

/** The same facts with an explicit null at a dotted path. */
export function emptied(value: unknown, path: string): unknown {
  const [head = "", ...rest] = path.split(".");
  const fields = isFacts(value) ? value : {};
  return { ...fields, [head]: rest.length === 0 ? null : emptied(fields[head], rest.join(".")) };
}
