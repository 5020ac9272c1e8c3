/** MQTT topic names and filters. */

/** Whether an MQTT filter matches a topic name [MQTT-4.7]. */
export function matches(filter: string, topic: string): boolean {
  const pattern = filter.split("/");
  const levels = topic.split("/");
  // [MQTT-4.7.2-1] a leading wildcard does not reach topics that begin with `$`.
  if (topic.startsWith("$") && (pattern[0] === "+" || pattern[0] === "#")) return false;
  for (let at = 0; at < pattern.length; at++) {
    const level = pattern[at];
    if (level === "#") return true;
    if (at >= levels.length || (level !== "+" && level !== levels[at])) return false;
  }
  return pattern.length === levels.length;
}
