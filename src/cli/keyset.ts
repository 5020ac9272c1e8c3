/** `sallyport keyset new`, `sign` and `show`. */
import type { KeyObject } from "node:crypto";
import type { Command } from "commander";
import type { Keyset } from "../bundle/keyset.ts";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { inFuture, replaceFile } from "./bundle-keys.ts";
import { examples } from "./examples.ts";
import { readPrivateKey, writeNew } from "./key-file.ts";
import { alignCells, renderRows } from "./page.ts";
import { readFileOf } from "./read-argument.ts";

interface NewFlags {
  readonly key: readonly string[];
  readonly threshold: string;
  readonly expires: number;
  readonly after?: string;
}

/** `name=ann,file=ann.pub.pem,roles=approve+keyset`. */
function keyEntry(text: string, notAfter: number): Record<string, unknown> {
  const parts = Object.fromEntries(text.split(",").map((pair) => pair.split("=") as [string, string]));
  const {
    name,
    file,
    roles = "sign+approve+keyset",
    scopes = "*",
    ...rest
  } = parts as Record<string, string>;
  const [odd] = Object.keys(rest);
  if (name === undefined || file === undefined || odd !== undefined) {
    throw new Fault(
      "request_invalid",
      `\`--key\` has \`${text}\`: give \`name=NAME,file=PUBLIC.pem\`, and perhaps \`roles=sign+approve+keyset\`, \`scopes=prod+lab\``,
    );
  }
  return {
    name,
    roles: roles.split("+"),
    scopes: scopes.split("+"),
    not_after: notAfter,
    public_key: readFileOf("--key", file).toString("utf8"),
  };
}

async function read(file: string): Promise<Keyset> {
  const { readKeyset } = await import("../bundle/keyset.ts");
  return readKeyset(readFileOf("keyset", file).toString("utf8"));
}

async function make(file: string, flags: NewFlags): Promise<void> {
  const { readKeyset } = await import("../bundle/keyset.ts");
  const version = flags.after === undefined ? 1 : (await read(flags.after)).version + 1;
  const keys = flags.key.map((text) => keyEntry(text, flags.expires));
  const text = `${JSON.stringify({ keyset: { version, threshold: Number(flags.threshold), keys }, signatures: [] }, null, 2)}\n`;
  const keyset = readKeyset(text);
  writeNew(file, text);
  process.stdout.write(page(keyset));
}

async function sign(file: string, flags: { readonly key: string }): Promise<void> {
  const { signKeyset } = await import("../bundle/keyset.ts");
  const keyset = await read(file);
  const key: KeyObject = readPrivateKey(flags.key);
  const json = JSON.parse(keyset.text) as { keyset: unknown };
  const signatures = [...new Set([...keyset.signatures, signKeyset(keyset.digest, key)])];
  replaceFile(file, `${JSON.stringify({ keyset: json.keyset, signatures }, null, 2)}\n`);
  process.stdout.write(`signed keyset version ${keyset.version}, ${signatures.length} signatures\n`);
}

async function show(file: string, flags: { readonly after?: string; readonly json?: true }): Promise<void> {
  const keyset = await read(file);
  if (flags.after !== undefined) {
    const { checkSuccession } = await import("../bundle/keyset.ts");
    checkSuccession(await read(flags.after), keyset, systemClock.now());
  }
  if (flags.json !== true) {
    process.stdout.write(page(keyset));
    return;
  }
  const keys = keyset.keys.map(({ key: _key, ...rest }) => rest);
  const { version, threshold, digest } = keyset;
  process.stdout.write(`${JSON.stringify({ version, threshold, digest, keys })}\n`);
}

function page({ version, threshold, digest, keys }: Keyset): string {
  const day = (unix: number): string => new Date(unix * 1000).toISOString().slice(0, 10);
  return `keyset version ${version}: ${threshold} of its keys must stand behind a bundle\n${renderRows([
    ["digest", `sha256 ${digest}`],
    [
      "keys",
      ...alignCells(
        keys.map((key) => [
          key.name,
          key.roles.join(" "),
          `until ${day(key.not_after)}`,
          key.id.slice(0, 16),
        ]),
      ),
    ],
  ])}`;
}

/** Adds `keyset` and its commands. */
export function keyset(program: Command): void {
  const parent = program
    .command("keyset")
    .summary("who may sign and approve bundles")
    .description("Make, sign and look at keysets: who may sign and approve bundles, and how many it takes.");
  parent
    .command("new")
    .summary("make a keyset")
    .description(
      "Make a keyset of public keys. The first one is pinned by `bundle.keyset`; one made with `--after` replaces it\n" +
        "once a threshold of old and of new keys have signed it (`sallyport keyset sign`).",
    )
    .argument("<file>", "file to write")
    .requiredOption(
      "--key <entry>",
      "name=NAME,file=PUBLIC.pem, and perhaps roles=sign+approve+keyset, scopes=prod+lab; repeatable",
      (entry: string, before: readonly string[]) => [...before, entry],
      [],
    )
    .option("--threshold <n>", "distinct keys that must stand behind a bundle", "1")
    .option("--expires <time>", "end of the keys' time from now: 45m, 12h, 365d", inFuture, inFuture("365d"))
    .option("--after <file>", "keyset that it is to replace")
    .addHelpText(
      "after",
      examples([
        "two people and the build; two of them must agree",
        "sallyport keyset new keyset.json --threshold 2 --key name=ci,file=keys/ci.pub.pem,roles=sign --key name=ann,file=keys/ann.pub.pem --key name=bob,file=keys/bob.pub.pem",
      ]),
    )
    .action(make);
  parent
    .command("sign")
    .summary("sign a keyset that is to replace another")
    .description("Sign a keyset that is to replace another, with a key of either.")
    .argument("<file>", "keyset")
    .requiredOption("--key <file>", "private key, PEM")
    .addHelpText("after", examples(["sign", "sallyport keyset sign keyset-2.json --key keys/ann.pem"]))
    .action(sign);
  parent
    .command("show")
    .summary("what a keyset says, and whether it may replace another")
    .description(
      "What a keyset says. With `--after`, whether it may replace that one.\nExit code: 0, or 1 where it may not.",
    )
    .argument("<file>", "keyset")
    .option("--after <file>", "keyset that it is to replace")
    .option("--json", "JSON on one line")
    .addHelpText("after", examples(["look", "sallyport keyset show examples/quickstart/keys/keyset.json"]))
    .action(show);
}
