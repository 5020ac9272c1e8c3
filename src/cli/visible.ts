/**
 * `text` for a terminal: topics, ids and reasons come from devices, so control and invisible characters are
 * shown as `\u{1b}` instead of being obeyed. The result is one line.
 */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
