/** Anything that takes lines. */
interface LineTarget {
  write(line: string): void;
}

/** Turns lines of the log into text for people: time, level, message, fields as `name=value`. */
export class PrettyStream implements LineTarget {
  readonly #target: LineTarget;

  constructor(target: LineTarget) {
    this.#target = target;
  }

  write(line: string): void {
    this.#target.write(pretty(line));
  }
}

function pretty(line: string): string {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { time, level, msg, ...rest } = fields;
  const clock = String(time).slice(11, 23);
  const words = Object.entries(rest).map(([name, value]) => `${name}=${word(value)}`);
  return `${[clock, String(level).padEnd(5), printable(String(msg)), ...words].join(" ")}\n`;
}

function word(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=]+$/.test(value)) return printable(value);
  return printable(JSON.stringify(value) ?? "");
}

/** Without control characters: a log that is looked at in a terminal must not steer it. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: replacing control characters is the point
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/g, "\ufffd");
}
