import { listOptions, type Option } from "./options.ts";

function typeOf(option: Option): string {
  const words = option.choices?.map((choice) => `\`${choice}\``).join(", ");
  if (option.kind === "list") return words === undefined ? "list" : `list of ${words}`;
  if (words !== undefined) return option.kind === "map" ? `map to ${words}` : words;
  if (option.bounds !== undefined) return `${option.kind}, ${option.bounds[0]} to ${option.bounds[1]}`;
  return option.file ? "path" : option.kind;
}

function row(option: Option): string {
  const fallback =
    option.default === undefined
      ? option.required
        ? "required"
        : ""
      : `\`${JSON.stringify(option.default)}\``;
  return `| \`${option.path}\` | ${typeOf(option)} | ${fallback} | ${option.description} |`;
}

const head = `# Configuration

Written by \`npx tsx scripts/configuration-docs.mjs\` from \`src/config/schema.ts\`; do not edit.

Options come from a YAML file (\`sallyport serve --config FILE\`), then from the environment, then from flags; the
later one wins. The variable of an option is \`SALLYPORT_\` and its path in capitals with \`_\` for \`.\`:
\`grpc.listen\` is \`SALLYPORT_GRPC_LISTEN\`. Lists and maps are given there as JSON, lists of words also with commas.
Entries of a list (\`[]\`) have no variable of their own.

Relative paths in the file start from the file's folder, those in variables and flags from the working directory.
An unknown option, in whichever place, is an error that names the nearest known one. No option holds a secret: those
are in files that options name, so that \`sallyport config print\` shows none.
`;

/** The page \`docs/configuration.md\`. */
export function documentConfig(): string {
  const sections = new Map<string, Option[]>();
  const intro = new Map<string, string>();
  for (const option of listOptions()) {
    const top = option.path.split(/[.[]/, 1)[0] ?? option.path;
    if (option.path === top) intro.set(top, option.description);
    if (option.kind !== "section") sections.set(top, [...(sections.get(top) ?? []), option]);
  }
  const pages = [...sections].map(([top, options]) => {
    const table = ["| option | type | default | meaning |", "|---|---|---|---|", ...options.map(row)].join(
      "\n",
    );
    return `## ${top}\n${intro.get(top) ?? ""}\n\n${table}\n`;
  });
  return `${head}\n${pages.join("\n")}`;
}
