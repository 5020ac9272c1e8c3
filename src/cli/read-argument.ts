/** Values that an option names instead of holding them. */
import { readFileSync } from "node:fs";
import { Fault } from "../runtime/fault.ts";

/** Bytes of a file that `option` names; `-` is standard input. @throws Fault `request_invalid` */
export function readFileOf(option: string, path: string): Buffer {
  try {
    return readFileSync(path === "-" ? 0 : path);
  } catch (thrown) {
    const why = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "unreadable";
    const reason = why === "ENOENT" ? "there is no such file" : why;
    throw new Fault("request_invalid", `cannot read \`${path}\` of \`${option}\`: ${reason}`, {
      cause: thrown,
    });
  }
}

/** The text itself, or with `@FILE` that file's (`@-`: standard input's), without the line break at its end. */
export function readToken(option: string, text: string): string {
  if (!text.startsWith("@")) return text;
  return readFileOf(option, text.slice(1))
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

/** As {@link readToken}, but never from the command line, which other users of the machine can read. */
export function readSecret(option: string, text: string): string {
  if (text.startsWith("@")) return readToken(option, text);
  throw new Fault(
    "request_invalid",
    `\`${option}\` must name a file, as \`@FILE\` or \`@-\` for standard input: everybody here can read a command line`,
  );
}
