/** MQTT filters as NATS subjects, as nats-server maps them. */

/** What would change the shape of a subject, or end it. */
const unsafe = /[*>\s]/;

/**
 * The subjects that stand for an MQTT filter: `/` becomes `.`, `.` becomes `//`, `+` becomes `*`. `a/#` matches `a` as
 * well, so that it is two. Empty where the filter cannot be said: NATS does not escape its own wildcards, and an empty
 * level has no subject of its own.
 */
export function subjectsOf(filter: string): readonly string[] {
  const levels = filter.split("/");
  const open = levels.at(-1) === "#";
  const kept = open ? levels.slice(0, -1) : levels;
  const said = kept.map((level) => (level === "+" ? "*" : level.replaceAll(".", "//")));
  if (kept.some((level) => level === "" || (level !== "+" && unsafe.test(level)) || level === "#")) return [];
  if (said.length === 0) return open ? [">"] : [];
  const subject = said.join(".");
  return open ? [subject, `${subject}.>`] : [subject];
}
