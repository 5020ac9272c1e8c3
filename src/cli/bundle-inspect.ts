/** `sallyport bundle inspect`. */
import type { Command } from "commander";
import { Fault } from "../runtime/fault.ts";
import { examples } from "./examples.ts";
import { alignCells, renderRows } from "./page.ts";
import { readFileOf } from "./read-argument.ts";
import { visible } from "./visible.ts";

async function run(file: string, flags: { readonly json?: true }): Promise<void> {
  const [{ readBundle }, { inspectBundle }, { inspectPolicy }] = await Promise.all([
    import("../bundle/read-bundle.ts"),
    import("../bundle/inspect-bundle.ts"),
    import("../engine/inspect-policy.ts"),
  ]);
  const archive = readFileOf("bundle inspect", file);
  let bundle: Awaited<ReturnType<typeof readBundle>>;
  try {
    bundle = await readBundle(archive);
  } catch (thrown) {
    const fault = Fault.from(thrown, "bundle_invalid", "it cannot be read");
    throw new Fault(fault.code, `\`${file}\` is no bundle for this service: ${fault.message}`, {
      cause: thrown,
    });
  }
  const summary = inspectBundle(bundle, inspectPolicy);
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const { sizes, fields } = summary;
  const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
  process.stdout.write(
    `bundle ${visible(summary.revision)}, sequence ${summary.sequence}\n${renderRows([
      ["digest", `sha256 ${summary.digest}`],
      ["sources", summary.sources || "not said"],
      ["built with", summary.built_with || "not said"],
      ["contract", String(summary.contract)],
      ["roots", summary.roots.join(", ")],
      ["module", `Wasm ABI ${summary.abi}, ${summary.memory_pages} pages of 64 KiB before data`],
      ["size", `archive ${kib(sizes.archive)}, Wasm ${kib(sizes.wasm)}, data ${kib(sizes.data)}`],
      ["builtins", summary.builtins.join(", ") || "none"],
      [
        "entrypoints",
        ...alignCells(
          summary.entrypoints.map((name) => [name, readsOf(fields[name.replace(/^sallyport\//, "")])]),
        ),
      ],
    ])}`,
  );
}

/** How many facts an entrypoint reads; their names are in the JSON. */
function readsOf(fields: readonly string[] | undefined): string {
  if (fields === undefined) return "";
  const mandatory = fields.filter((field) => field.endsWith("!")).length;
  return `reads ${fields.length} facts, ${mandatory} of them mandatory`;
}

/** Adds the command to `bundle`. */
export function bundleInspect(parent: Command): void {
  parent
    .command("inspect")
    .summary("what a bundle holds and needs")
    .description(
      "Read a policy bundle as the service would, and say what it holds and needs. It is not put into service.\n" +
        "Exit code: 0, or 1 where it is no bundle for this service.",
    )
    .argument(
      "<file>",
      "bundle as `opa build -t wasm` or policies/build.ts made it (.tar.gz); - for standard input",
    )
    .option("--json", "JSON on one line, with every fact that each entrypoint reads; mandatory ones end in !")
    .addHelpText(
      "after",
      examples(
        ["the bundle of this repository", "sallyport bundle inspect bundles/sallyport.tar.gz"],
        [
          "which facts may a publish decision rest on?",
          "sallyport bundle inspect bundles/sallyport.tar.gz --json | jq .fields.publish",
        ],
      ),
    )
    .action(run);
}
